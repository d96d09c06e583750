// swift-tools-version: 6.2
import PackageDescription

// libFuzzer on what comes from outside and on the engine's own files. Nested, so that a user's build does not carry it, and built
// from the engine's own sources (`Sources` is a link to them), so that all of it is instrumented and
// the targets see what is `package`.
//
//   swift build -c release --package-path Tests/Fuzz
//   cd Tests/Fuzz && .build/release/fuzz-parquet -max_total_time=60 Corpus/parquet ../../fixtures/parquet
//   cd Tests/Fuzz && .build/release/fuzz-manifest -max_total_time=60 Corpus/manifest
//
// `.ci/run fuzz` builds them and runs each for LARDER_FUZZ_SECONDS (60).
let instrumented: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .unsafeFlags(["-sanitize=fuzzer"]),
]

func driver(_ name: String, _ library: Target.Dependency = "EngineFuzzing") -> Target {
  .executableTarget(
    name: "fuzz-\(name)", dependencies: ["Driving", library], path: "Drivers/\(name)",
    swiftSettings: instrumented,
    linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])])
}

let package = Package(
  name: "larder-fuzz",
  targets: [
    .systemLibrary(name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd"),
    .systemLibrary(name: "CLZ4", path: "Sources/CLZ4", pkgConfig: "liblz4"),
    .systemLibrary(name: "CDeflate", path: "Sources/CDeflate", pkgConfig: "libdeflate"),
    .systemLibrary(name: "CBrotli", path: "Sources/CBrotli", pkgConfig: "libbrotlidec"),
    .target(name: "CLarderKernels", path: "Sources/CLarderKernels"),
    .target(name: "CLarder", path: "Sources/CLarder"),
    .target(
      name: "LarderColumns", dependencies: ["CLarderKernels"], path: "Sources/LarderColumns",
      swiftSettings: instrumented),
    .target(
      name: "LarderContract", dependencies: ["LarderColumns"], path: "Sources/LarderContract",
      swiftSettings: instrumented),
    .target(
      name: "LarderFiles", dependencies: ["LarderColumns", "CLarderKernels"],
      path: "Sources/LarderFiles", swiftSettings: instrumented),
    .target(
      name: "LarderInterchange",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "CZstd", "CLZ4", "CDeflate", "CBrotli",
        "CLarder",
      ],
      path: "Sources/LarderInterchange", swiftSettings: instrumented),
    .target(
      name: "InterchangeFuzzing",
      dependencies: ["LarderColumns", "LarderContract", "LarderInterchange"], path: "Interchange",
      swiftSettings: instrumented),
    .target(
      name: "LarderEncodings",
      dependencies: ["LarderColumns", "LarderFiles", "CLarderKernels", "CZstd", "CLZ4"],
      path: "Sources/LarderEncodings", swiftSettings: instrumented),
    .target(
      name: "LarderKeys",
      dependencies: ["LarderColumns", "LarderContract", "LarderFiles", "CLarderKernels"],
      path: "Sources/LarderKeys", exclude: ["FORMAT.md"], swiftSettings: instrumented),
    .target(
      name: "LarderOffline",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderEncodings", "LarderKeys",
        "CLarderKernels",
      ], path: "Sources/LarderOffline", exclude: ["Segments/FORMAT.md", "Commits/FORMAT.md"],
      swiftSettings: instrumented),
    .target(
      name: "LarderPointInTime",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderEncodings", "LarderKeys",
        "LarderOffline", "CLarderKernels",
      ], path: "Sources/LarderPointInTime", exclude: ["Timeline/FORMAT.md"],
      swiftSettings: instrumented),
    .target(
      name: "LarderOnline",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderKeys", "CLarderKernels",
      ], path: "Sources/LarderOnline", exclude: ["FORMAT.md"], swiftSettings: instrumented),
    .target(
      name: "Larder",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderKeys", "LarderOffline",
        "LarderPointInTime", "LarderOnline", "LarderInterchange",
      ], path: "Sources/Larder", exclude: ["Larder.docc"], swiftSettings: instrumented),
    .target(
      name: "EngineFuzzing",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderEncodings", "LarderKeys",
        "LarderOffline", "LarderPointInTime", "LarderOnline", "Larder",
      ], path: "Engine", swiftSettings: instrumented),
    .target(name: "Driving", path: "Driving", swiftSettings: instrumented),
    driver("parquet", "InterchangeFuzzing"), driver("arrow", "InterchangeFuzzing"),
    driver("csv", "InterchangeFuzzing"), driver("codecs", "InterchangeFuzzing"),
    driver("segment"), driver("join"), driver("manifest"), driver("records"), driver("lanes"),
    driver("keys"), driver("keyfiles"), driver("timeline"), driver("rows"), driver("index"),
  ],
  cLanguageStandard: .c17
)

// swift-tools-version: 6.2
import PackageDescription

// libFuzzer on what comes from outside. Nested, so that a user's build does not carry it, and built
// from the engine's own sources (`Sources` is a link to them), so that all of it is instrumented and
// the targets see what is `package`.
//
//   swift build -c release --package-path Tests/Fuzz
//   cd Tests/Fuzz && .build/release/fuzz-parquet -max_total_time=60 Corpus/parquet ../../fixtures/parquet
let instrumented: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .unsafeFlags(["-sanitize=fuzzer"]),
]

func driver(_ name: String) -> Target {
  .executableTarget(
    name: "fuzz-\(name)", dependencies: ["InterchangeFuzzing"], path: "Drivers/\(name)",
    swiftSettings: instrumented,
    linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])])
}

let package = Package(
  name: "larder-fuzz",
  targets: [
    .systemLibrary(name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd"),
    .systemLibrary(name: "CLZ4", path: "Sources/CLZ4", pkgConfig: "liblz4"),
    .target(name: "CLarderKernels", path: "Sources/CLarderKernels"),
    .target(name: "CLarder", path: "Sources/CLarder"),
    .target(
      name: "LarderColumns", path: "Sources/LarderColumns", swiftSettings: instrumented),
    .target(
      name: "LarderContract", dependencies: ["LarderColumns"], path: "Sources/LarderContract",
      swiftSettings: instrumented),
    .target(
      name: "LarderFiles", dependencies: ["LarderColumns", "CLarderKernels"],
      path: "Sources/LarderFiles", swiftSettings: instrumented),
    .target(
      name: "LarderInterchange",
      dependencies: ["LarderColumns", "LarderContract", "LarderFiles", "CZstd", "CLZ4", "CLarder"],
      path: "Sources/LarderInterchange", swiftSettings: instrumented),
    .target(
      name: "InterchangeFuzzing",
      dependencies: ["LarderColumns", "LarderContract", "LarderInterchange"], path: "Interchange",
      swiftSettings: instrumented),
    driver("parquet"), driver("arrow"), driver("csv"),
  ],
  cLanguageStandard: .c17
)

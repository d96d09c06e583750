// swift-tools-version: 6.2
import PackageDescription

// Every target of the engine is held to the same rules. `unsafeFlags` is never used: a package
// that uses them cannot be depended on by version.
let engine: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let tests: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

// The order of the targets is the order of the layers: each imports only layers above it in this
// list. `Tests/TidinessTests` holds the tree to it.
let package = Package(
  name: "larder",
  products: [
    .library(name: "Larder", targets: ["Larder"]),
    .library(name: "LarderFoundation", targets: ["LarderFoundation"]),
    .library(name: "LarderConformance", targets: ["LarderConformance"]),
    .library(name: "LarderABI", type: .dynamic, targets: ["LarderABI"]),
    .executable(name: "larder", targets: ["LarderCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(
      name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(
      name: "CBrotli", pkgConfig: "libbrotlidec", providers: [.apt(["libbrotli-dev"])]),
    .target(name: "CLarderKernels"),
    .target(name: "CLarder"),
    .target(name: "CLarderCommand"),

    .target(name: "LarderColumns", dependencies: ["CLarderKernels"], swiftSettings: engine),
    .target(name: "LarderContract", dependencies: ["LarderColumns"], swiftSettings: engine),
    .target(
      name: "LarderFiles", dependencies: ["LarderColumns", "CLarderKernels"],
      swiftSettings: engine),
    .target(
      name: "LarderEncodings",
      dependencies: ["LarderColumns", "LarderFiles", "CLarderKernels", "CZstd"],
      swiftSettings: engine),
    .target(
      name: "LarderKeys",
      dependencies: ["LarderColumns", "LarderContract", "LarderFiles", "CLarderKernels"],
      exclude: ["FORMAT.md"],
      swiftSettings: engine),
    .target(
      name: "LarderOffline",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderEncodings", "LarderKeys",
        "CLarderKernels",
      ],
      exclude: ["Segments/FORMAT.md", "Commits/FORMAT.md"],
      swiftSettings: engine),
    .target(
      name: "LarderPointInTime",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderEncodings", "LarderKeys",
        "LarderOffline", "CLarderKernels",
      ],
      exclude: ["Timeline/FORMAT.md"],
      swiftSettings: engine),
    .target(
      name: "LarderOnline",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderKeys", "CLarderKernels",
      ],
      exclude: ["FORMAT.md"],
      swiftSettings: engine),
    .target(
      name: "LarderInterchange",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "CZstd", "CLZ4", "CDeflate", "CBrotli",
        "CLarder",
      ],
      swiftSettings: engine),
    .target(
      name: "Larder",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderKeys", "LarderOffline",
        "LarderPointInTime", "LarderOnline", "LarderInterchange",
      ],
      swiftSettings: engine),
    .target(name: "LarderFoundation", dependencies: ["Larder"], swiftSettings: engine),
    .target(
      name: "LarderConformance", dependencies: ["LarderColumns", "LarderContract"],
      swiftSettings: engine),
    .target(
      name: "LarderABI",
      dependencies: [
        "CLarder", "Larder", "LarderColumns", "LarderContract", "LarderFiles", "LarderKeys",
        "LarderInterchange",
      ],
      exclude: ["exports.map"],
      swiftSettings: engine),
    .executableTarget(
      name: "LarderCommand",
      dependencies: [
        "CLarderCommand", "Larder", "LarderColumns", "LarderContract", "LarderFiles",
        "LarderInterchange",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: engine),

    .executableTarget(
      name: "OnlineWorkload",
      dependencies: ["LarderColumns", "LarderContract", "LarderFiles", "LarderOnline"],
      path: "Tests/OnlineWorkload", swiftSettings: tests),
    .target(
      name: "TestSupport",
      dependencies: ["LarderColumns", "LarderContract"],
      path: "Tests/TestSupport", swiftSettings: tests),
    .testTarget(
      name: "LarderColumnsTests",
      dependencies: [
        "LarderColumns", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "LarderContractTests",
      dependencies: [
        "LarderColumns", "LarderContract", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "LarderFilesTests",
      dependencies: [
        "LarderColumns", "LarderFiles", "CLarderKernels", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "LarderEncodingsTests",
      dependencies: [
        "LarderColumns", "LarderFiles", "LarderEncodings", "CLarderKernels", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "LarderKeysTests",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderKeys", "CLarderKernels",
        "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "LarderOfflineTests",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderEncodings", "LarderKeys",
        "LarderOffline", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "LarderPointInTimeTests",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderEncodings", "LarderKeys",
        "LarderOffline", "CLarderKernels",
        "LarderPointInTime", "LarderConformance", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "LarderOnlineTests",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderKeys", "LarderOnline",
        "LarderConformance", "CLarderKernels", "TestSupport", "OnlineWorkload",
      ],
      swiftSettings: tests),
    .target(
      name: "InterchangeFuzzing",
      dependencies: ["LarderColumns", "LarderContract", "LarderInterchange"],
      path: "Tests/Fuzz/Interchange", swiftSettings: tests),
    .testTarget(
      name: "LarderInterchangeTests",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderInterchange", "TestSupport",
        "InterchangeFuzzing",
      ],
      exclude: ["Differential/generate.py"],
      swiftSettings: tests),
    .target(
      name: "EngineFuzzing",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderEncodings", "LarderKeys",
        "LarderOffline", "LarderPointInTime", "LarderOnline", "Larder",
      ],
      path: "Tests/Fuzz/Engine", swiftSettings: tests),
    .testTarget(
      name: "LarderTests",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "LarderOffline", "LarderPointInTime",
        "LarderOnline", "Larder", "LarderFoundation", "LarderConformance", "TestSupport",
        "EngineFuzzing",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "LarderABITests",
      dependencies: [
        "CLarder", "Larder", "LarderABI", "LarderColumns", "LarderContract",
        "LarderInterchange",
        "TestSupport",
      ],
      exclude: ["Example", "leaks.supp"],
      swiftSettings: tests),
    .testTarget(
      name: "LarderCommandTests",
      dependencies: [
        "LarderColumns", "LarderContract", "LarderFiles", "Larder", "TestSupport", "LarderCommand",
      ],
      exclude: ["Snapshots"],
      swiftSettings: tests),
    .testTarget(
      name: "ExampleTests",
      dependencies: [
        "Larder"
      ],
      swiftSettings: tests),
    .testTarget(
      name: "TidinessTests",
      dependencies: [
        "LarderColumns"
      ],
      swiftSettings: tests),
  ],
  cLanguageStandard: .c17
)

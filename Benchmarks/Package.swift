// swift-tools-version: 6.2
import PackageDescription

// Larder's side of the benchmarks. Nested, so that a user's build of the engine does not carry it.
let package = Package(
  name: "larder-benchmarks",
  dependencies: [.package(name: "larder", path: "..")],
  targets: [
    .executableTarget(
      name: "larder-bench", dependencies: [.product(name: "Larder", package: "larder")],
      swiftSettings: [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")])
  ]
)

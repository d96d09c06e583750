// swift-tools-version: 6.2
import PackageDescription

// Several processes on one store. Nested, so that a user's build of the engine does not carry it.
let package = Package(
  name: "larder-stress",
  dependencies: [.package(name: "larder", path: "../..")],
  targets: [
    .executableTarget(
      name: "larder-stress", dependencies: [.product(name: "Larder", package: "larder")],
      swiftSettings: [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")])
  ]
)

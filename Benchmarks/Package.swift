// swift-tools-version: 6.1
import PackageDescription

// Micro benchmarks: a package of its own, so that building Outrider asks for none of this. MICRO.md tells how to use it.
//
// The proxy's modules show themselves to their own package only (`package` access), so those that are measured are compiled as part
// of this one, with the flags of ../Package.swift: `Sources` is a link to the proxy's.

let release: [SwiftSetting] = [
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
]

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: release)
}

func shim(_ name: String, _ libraries: [String]) -> Target {
    .target(name: name, path: "Sources/\(name)", linkerSettings: libraries.map { .linkedLibrary($0) })
}

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: [])],
    targets: [
        // MARK: The proxy's
        shim("CRE2", ["re2"]),
        shim("COpenSSL", ["ssl", "crypto"]),
        shim("CNghttp2", ["nghttp2"]),
        room("Wire"),
        room("Telemetry"),
        room("HTTP1", ["Wire"]),
        room("HTTP2", ["CNghttp2", "Wire"]),
        room("Regex", ["CRE2"]),
        room("Routing", ["Wire", "Regex"]),
        room("TLS", ["COpenSSL", "Wire"]),
        room("Clusters", ["Wire", "TLS"]),

        // MARK: What is measured, and by what
        .target(
            name: "Micro", dependencies: ["Wire", "Telemetry", "HTTP1", "HTTP2", "Routing", "Clusters"], path: "Micro",
            swiftSettings: release),
        // For callgrind and the counter of allocations: see check.py.
        .executableTarget(name: "Count", dependencies: ["Micro"], path: "Count"),
        // Against the clock.
        .executableTarget(
            name: "Time", dependencies: ["Micro", .product(name: "Benchmark", package: "benchmark")], path: "Time",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)

// swift-tools-version: 6.1
import PackageDescription

// The map of the house. Imports go down only; each edge says what it carries.
// docs/architecture.md tells the same story in words.

/// Release flags, explained once. `-enforce-exclusivity=unchecked` removes the run-time exclusivity checks on class
/// members: a worker's objects are touched by one thread only, and the checks cost a call into the runtime for each access.
/// Bounds checks stay: bytes come from a peer. Whole-module optimisation is SwiftPM's default for release builds.
let release: [SwiftSetting] = [
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
]

/// For a room whose every object belongs to one worker, and which has no globals that are counted: references are counted without
/// atomic instructions. A quarter of a worker's time in `make profile ROW=h2-h2` was counting, much of it in HTTP2. Never for a room that
/// touches what threads share (generations, the board).
let oneThread: [SwiftSetting] = [
    .unsafeFlags(["-Xfrontend", "-assume-single-threaded"], .when(configuration: .release))
]

let package = Package(
    name: "outrider",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "outrider", targets: ["outrider"])],
    dependencies: [
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // MARK: L0: shims and nouns
        .target(name: "CEventLoop"),
        .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "CNghttp2", linkerSettings: [.linkedLibrary("nghttp2")]),
        .target(name: "Wire", swiftSettings: release),
        .target(name: "Telemetry", swiftSettings: release),

        // MARK: L1: pure machines, no sockets, no clock
        .target(name: "HTTP1", dependencies: ["Wire" /* heads, buffers */], swiftSettings: release),
        .target(name: "Regex", dependencies: ["CRE2" /* RE2, its only importer */], swiftSettings: release),
        .target(
            name: "Routing",
            dependencies: ["Wire" /* the head that is matched */, "Regex" /* compiled patterns */],
            swiftSettings: release),
        .target(
            name: "TLS",
            dependencies: [
                "COpenSSL",  // OpenSSL, its only importer
                "Wire",  // buffers, limits
            ], swiftSettings: release),
        .target(
            name: "HTTP2",
            dependencies: [
                "CNghttp2",  // nghttp2, its only importer
                "Wire",  // heads, buffers, limits
            ], swiftSettings: release + oneThread),
        .target(
            name: "Clusters",
            dependencies: [
                "Wire",  // limits, addresses
                "TLS",  // how endpoints are spoken to, as plain settings
            ], swiftSettings: release),
        .target(
            name: "Istio",
            dependencies: [
                .product(name: "Yams", package: "Yams"),  // libyaml, whose events become documents with their lines
                "Regex",  // validation compiles patterns
            ]),

        // MARK: L2: from resources to tables; the loop
        .target(
            name: "Plan",
            dependencies: [
                "Routing",  // route tables
                "Clusters",  // clusters and their endpoints
                "TLS",  // what listeners present, as plain settings
            ], swiftSettings: release),
        .target(
            name: "Compile",
            dependencies: [
                "Istio",  // resources in
                "Plan",  // tables out
                "Routing", "Clusters", "Wire", "Regex", "TLS",
            ]),
        .target(
            name: "Loop",
            dependencies: [
                "CEventLoop",  // system calls, its only importer
                "Wire",  // limits, addresses
            ], swiftSettings: release),

        // MARK: L3: everything per request, and everything per generation
        .target(
            name: "Proxy",
            dependencies: ["Wire", "Telemetry", "HTTP1", "HTTP2", "TLS", "Routing", "Clusters", "Plan", "Loop"],
            swiftSettings: release),
        .target(
            name: "Control",
            dependencies: [
                "Istio", "Compile",  // what a directory says
                "Plan", "Proxy", "Telemetry", "Clusters", "Routing", "HTTP1", "HTTP2", "TLS", "Wire",  // who serves it
                "Loop",  // inotify
            ]),
        .target(
            name: "Admin",
            dependencies: ["Wire", "Telemetry", "HTTP1", "Loop", "TLS", "Plan", "Proxy", "Control"]),

        // MARK: L4: the executable and what it shows
        .target(
            name: "Demo",
            dependencies: [
                "Wire", "HTTP1",  // the sample services speak with the proxy's own codec
                "Istio",  // who takes part, and what a scenario promises
            ]),
        .executableTarget(
            name: "outrider",
            dependencies: [
                "Admin", "Control",  // a process that serves
                "Plan", "Routing", "Clusters",  // the tables that verbs print
                "Istio",  // diagnostics
                "HTTP1", "Wire",  // the request that is explained
                "TLS",  // which chains have nothing to show
                "Demo",  // the sample mesh
                .product(name: "ArgumentParser", package: "swift-argument-parser"),  // verbs and their help
            ],
            swiftSettings: release),

        // MARK: Tests, a room each
        .testTarget(name: "WireTests", dependencies: ["Wire"]),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry"]),
        .testTarget(name: "HTTP1Tests", dependencies: ["HTTP1", "Wire"]),
        .testTarget(name: "HTTP2Tests", dependencies: ["HTTP2", "Wire"]),
        .testTarget(name: "TLSTests", dependencies: ["TLS", "Wire"]),
        .testTarget(name: "RoutingTests", dependencies: ["Routing", "Regex", "Wire", "HTTP1"]),
        .testTarget(name: "ClustersTests", dependencies: ["Clusters"]),
        .testTarget(name: "PlanTests", dependencies: ["Plan", "Routing", "TLS", "Wire"]),
        .testTarget(name: "IstioTests", dependencies: ["Istio"]),
        .testTarget(
            name: "CompileTests",
            dependencies: ["Compile", "Istio", "Plan", "Routing", "Clusters", "TLS", "HTTP1", "Wire"]),
        .testTarget(name: "LoopTests", dependencies: ["Loop"]),
        .testTarget(
            name: "ProxyTests",
            dependencies: ["Proxy", "Plan", "Routing", "Clusters", "Telemetry", "TLS", "Loop", "Wire", "HTTP1"]),
        .testTarget(
            name: "ControlTests",
            dependencies: ["Control", "Istio", "Compile", "Clusters", "Plan", "Proxy", "TLS", "Loop", "Wire"]),
        .testTarget(
            name: "AdminTests",
            dependencies: [
                "Admin", "Control", "Telemetry", "Loop", "Wire", "Plan", "TLS", "Clusters", "Routing", "Istio",
            ]),
        .testTarget(name: "DemoTests", dependencies: ["Demo", "Istio", "Wire"]),
        // Over real sockets, against the built executable.
        .testTarget(name: "ScenarioTests", dependencies: ["outrider"], exclude: ["Peers"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)

/// Fuzz targets need libFuzzer's own `main`, so they join the package only when `make fuzz` asks for them.
if Context.environment["OUTRIDER_FUZZ"] != nil {
    let fuzzer: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library"])]
    let linker: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer,address"])]
    for name in [
        "FuzzRequestHead", "FuzzResponseHead", "FuzzChunked", "FuzzDecide", "FuzzHTTP2", "FuzzClientHello",
    ] {
        package.targets.append(
            .executableTarget(
                name: name, dependencies: ["HTTP1", "HTTP2", "TLS", "Wire", "Routing"], path: "Tests/Fuzz/\(name)",
                swiftSettings: fuzzer, linkerSettings: linker))
    }
    // A whole worker, turned by hand.
    package.targets.append(
        .executableTarget(
            name: "FuzzExchange", dependencies: ["Proxy", "Plan", "Routing", "Clusters", "Telemetry", "Loop", "Wire"],
            path: "Tests/Fuzz/FuzzExchange", swiftSettings: fuzzer, linkerSettings: linker))
}

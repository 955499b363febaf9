import Clusters
import Compile
import Foundation
import Loop
import Plan
import Testing

@testable import Control

/// Stands in for the workers: takes tables, acknowledges, and lets the one before go.
final class FakeHost: GenerationHost {
    let workerCount = 2
    var openConnections = 0
    var published: [Tables] = []
    var problems: [String] = []
    private var releases: [@Sendable () -> Void] = []

    func publish(_ tables: Tables, number: Int, onReleased: @escaping @Sendable () -> Void) -> [String] {
        published.append(tables)
        releases.append(onReleased)
        if releases.count > 1 { releases.removeFirst()() }
        return problems
    }

    func acknowledgements(of number: Int) -> Int { number <= published.count ? workerCount : 0 }
    func beginDrain() {}
    func stop() {}
}

/// A controller over a real directory, a real compile thread and no workers; turned by hand.
final class Bench {
    let folder: TemporaryFolder
    let loop: EventLoop
    let host = FakeHost()
    let controller: GenerationController
    private let builder: GenerationBuilder
    private let resolver: Resolver
    private let outliers: OutlierController

    init(
        _ yaml: String, compile: @escaping GenerationBuilder.Compiling = { Compiler.compile($0, proxy: $1) },
        prepare: (GenerationController, EventLoop) throws -> Void = { _, _ in }
    ) throws {
        folder = try TemporaryFolder()
        try folder.write("config/a.yaml", yaml)
        var options = ServeOptions(directory: folder.path + "/config")
        options.state = "none"
        loop = try EventLoop()
        let board = Board(workers: 2)
        builder = try GenerationBuilder(options: options, main: loop, log: { _ in }, compile: compile)
        builder.attach(board)
        resolver = try Resolver(
            threads: 1,
            lookup: {
                $0 == "known.example" ? .success([.ipv4(0x0A00_0001, port: 0)]) : .failure(ResolverError(code: -2))
            })
        outliers = OutlierController(board: board, loop: loop) { _ in }
        let sink = Sink()
        controller = GenerationController(
            loop: loop, builder: builder, resolver: resolver, host: host, outliers: outliers,
            log: { sink.lines.append($0) })
        self.sink = sink
        try prepare(controller, loop)
        let first = Sink()
        builder.look { look in first.look = look }
        turn { first.look != nil }
        if let look = first.look { controller.start(with: look) }
    }

    private final class Sink: @unchecked Sendable {
        var lines: [String] = []
        var look: Look?
    }
    private let sink: Sink
    var log: [String] { sink.lines }

    func end() {
        controller.stop()
        builder.stop()
        resolver.shutdown()
    }

    /// Turns the loop until something holds; gives up after many turns.
    @discardableResult
    func turn(until isDone: () -> Bool) -> Bool {
        for _ in 0..<500 {
            if isDone() { return true }
            loop.turn(waitMilliseconds: 20)
        }
        return isDone()
    }

    func change(_ yaml: String) throws {
        try folder.write("config/a.yaml", yaml)
        let looks = controller.report.looks
        controller.changed()
        turn { controller.report.looks > looks }
    }

    // MARK: - A gateway

    static func yaml(address: String, resolution: String = "STATIC", extra: String = "") -> String {
        """
        apiVersion: outrider.dev/v1alpha1
        kind: Proxy
        metadata: {name: ingress, namespace: n, labels: {istio: ingressgateway}}
        spec: {mode: gateway, listen: [{port: 80, address: "127.0.0.1:0"}]}
        ---
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: {name: web, namespace: n}
        spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: app, namespace: n}
        spec:
          hosts: [app.example]
          resolution: \(resolution)
          ports: [{number: 80, name: http, protocol: HTTP}]
          endpoints: [{address: \(address)}]
        ---
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {name: web, namespace: n}
        spec:
          hosts: ["*"]
          gateways: [web]
          http: [{route: [{destination: {host: app.example, port: {number: 80}}}]}]
        \(extra)
        """
    }
}

import Clusters
import Foundation
import Loop
import Plan
import Testing

@testable import Control

/// Stands in for the workers: takes tables, acknowledges, and lets the one before go.
private final class FakeHost: GenerationHost {
    let workerCount = 2
    var openConnections = 0
    var published: [(number: Int, plan: Plan)] = []
    var problems: [String] = []
    private var releases: [@Sendable () -> Void] = []

    func publish(_ tables: Tables, number: Int, onReleased: @escaping @Sendable () -> Void) -> [String] {
        published.append((number, tables.plan))
        releases.append(onReleased)
        if releases.count > 1 { releases.removeFirst()() }
        return problems
    }

    func acknowledgements(of number: Int) -> Int { number <= published.count ? workerCount : 0 }
    func beginDrain() {}
    func stop() {}
}

/// A controller over a real directory, a real compile thread and no workers; turned by hand.
private final class Bench {
    let folder: TemporaryFolder
    let loop: EventLoop
    let host = FakeHost()
    let controller: GenerationController
    private let builder: GenerationBuilder
    private let resolver: Resolver
    private let outliers: OutlierController

    init(_ yaml: String) throws {
        folder = try TemporaryFolder()
        try folder.write("config/a.yaml", yaml)
        var options = ServeOptions(directory: folder.path + "/config")
        options.state = "none"
        loop = try EventLoop()
        let board = Board(workers: 2)
        builder = try GenerationBuilder(options: options, main: loop) { _ in }
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
}

@Suite("From a change to a generation")
struct GenerationControllerTests {
    private func yaml(address: String, resolution: String = "STATIC", extra: String = "") -> String {
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

    @Test("a change makes one generation, an unchanged plan none, and a broken file keeps the one that serves")
    func course() throws {
        let bench = try Bench(yaml(address: "10.0.0.1"))
        defer { bench.end() }
        #expect(bench.turn { bench.host.published.count == 1 })
        #expect(bench.controller.report.number == 1)
        #expect(bench.controller.report.isAcknowledged)

        try bench.change(yaml(address: "10.0.0.2"))
        #expect(bench.turn { bench.host.published.count == 2 })
        #expect(bench.log.last?.contains("generation 2 applied") == true)

        try bench.change(yaml(address: "10.0.0.2") + "\n# a comment at the end\n")
        try bench.change(yaml(address: "10.0.0.2", extra: "---\nfoo: ["))
        bench.controller.changed()
        #expect(bench.host.published.count == 2)
        #expect(bench.controller.report.diagnostics.hasErrors)
        #expect(bench.log.last?.contains("generation 2 stays") == true)

        try bench.change(yaml(address: "10.0.0.3"))
        #expect(bench.turn { bench.host.published.count == 3 })
        #expect(!bench.controller.report.diagnostics.hasErrors)
    }

    @Test("a plan waits for names that were never resolved, and an unknown name does not hold it up")
    func names() throws {
        let bench = try Bench(yaml(address: "known.example", resolution: "DNS"))
        defer { bench.end() }
        #expect(bench.turn { bench.host.published.count == 1 })
        #expect(bench.controller.clusters?.endpointCount == 1)
        try bench.change(yaml(address: "unknown.example", resolution: "DNS"))
        #expect(bench.turn { bench.host.published.count == 2 })
        #expect(bench.controller.clusters?.endpointCount == 0)
    }

    @Test("a Proxy that is gone leaves what serves")
    func withoutProxy() throws {
        let bench = try Bench(yaml(address: "10.0.0.1"))
        defer { bench.end() }
        #expect(bench.turn { bench.host.published.count == 1 })
        try bench.change("# nothing")
        #expect(bench.controller.report.failure?.hasPrefix("no Proxy") == true)
        #expect(bench.host.published.count == 1)
        try bench.change(yaml(address: "10.0.0.2"))
        #expect(bench.turn { bench.host.published.count == 2 })
        #expect(bench.controller.report.failure == nil)
    }

    @Test("what could not be listened on is told once and tried again by the next look")
    func listeners() throws {
        let bench = try Bench(yaml(address: "10.0.0.1"))
        defer { bench.end() }
        bench.host.problems = ["a.yaml:1: listener http.80: in use"]
        try bench.change(yaml(address: "10.0.0.2"))
        #expect(bench.turn { bench.controller.report.listenerProblems.count == 1 })
        let count = bench.host.published.count
        bench.host.problems = []
        bench.controller.reload(cause: "admin")
        #expect(bench.turn { bench.host.published.count == count + 1 })
        #expect(bench.controller.report.listenerProblems.isEmpty)
        #expect(bench.log.count { $0.contains("in use") } == 1)
    }
}

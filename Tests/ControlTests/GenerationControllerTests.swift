import Testing

@testable import Control

@Suite("From a change to a generation")
struct GenerationControllerTests {
    @Test("a change makes one generation, an unchanged plan none, and a broken file keeps the one that serves")
    func course() throws {
        let bench = try Bench(Bench.yaml(address: "10.0.0.1"))
        defer { bench.end() }
        #expect(bench.turn { bench.host.published.count == 1 })
        #expect(bench.controller.report.number == 1)
        #expect(bench.controller.report.isAcknowledged)

        try bench.change(Bench.yaml(address: "10.0.0.2"))
        #expect(bench.turn { bench.host.published.count == 2 })
        #expect(bench.log.last?.contains("generation 2 applied") == true)

        try bench.change(Bench.yaml(address: "10.0.0.2") + "\n# a comment at the end\n")
        try bench.change(Bench.yaml(address: "10.0.0.2", extra: "---\nfoo: ["))
        bench.controller.changed()
        #expect(bench.host.published.count == 2)
        #expect(bench.controller.report.diagnostics.hasErrors)
        #expect(bench.log.last?.contains("generation 2 stays") == true)

        try bench.change(Bench.yaml(address: "10.0.0.3"))
        #expect(bench.turn { bench.host.published.count == 3 })
        #expect(!bench.controller.report.diagnostics.hasErrors)
    }

    @Test("a plan waits for names that were never resolved, and an unknown name does not hold it up")
    func names() throws {
        let bench = try Bench(Bench.yaml(address: "known.example", resolution: "DNS"))
        defer { bench.end() }
        #expect(bench.turn { bench.host.published.count == 1 })
        #expect(bench.controller.clusters?.endpointCount == 1)
        try bench.change(Bench.yaml(address: "unknown.example", resolution: "DNS"))
        #expect(bench.turn { bench.host.published.count == 2 })
        #expect(bench.controller.clusters?.endpointCount == 0)
    }

    @Test("a Proxy that is gone leaves what serves")
    func withoutProxy() throws {
        let bench = try Bench(Bench.yaml(address: "10.0.0.1"))
        defer { bench.end() }
        #expect(bench.turn { bench.host.published.count == 1 })
        try bench.change("# nothing")
        #expect(bench.controller.report.failure?.hasPrefix("no Proxy") == true)
        #expect(bench.host.published.count == 1)
        try bench.change(Bench.yaml(address: "10.0.0.2"))
        #expect(bench.turn { bench.host.published.count == 2 })
        #expect(bench.controller.report.failure == nil)
    }

    @Test("what could not be listened on is told once and tried again by the next look")
    func listeners() throws {
        let bench = try Bench(Bench.yaml(address: "10.0.0.1"))
        defer { bench.end() }
        bench.host.problems = ["a.yaml:1: listener http.80: in use"]
        try bench.change(Bench.yaml(address: "10.0.0.2"))
        #expect(bench.turn { bench.controller.report.listenerProblems.count == 1 })
        let count = bench.host.published.count
        bench.host.problems = []
        bench.controller.reload(cause: "admin")
        #expect(bench.turn { bench.host.published.count == count + 1 })
        #expect(bench.controller.report.listenerProblems.isEmpty)
        #expect(bench.log.count { $0.contains("in use") } == 1)
    }
}

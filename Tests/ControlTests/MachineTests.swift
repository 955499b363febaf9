import Clusters
import Istio
import Plan
import Testing
import Wire

@testable import Control

@Suite("Names and their addresses")
struct NameResolutionTests {
    private let one = [SocketAddress.ipv4(1, port: 0)]
    private let two = [SocketAddress.ipv4(1, port: 0), .ipv4(2, port: 0)]

    @Test("a new name is due at once, an answered one after the refresh time, a failed one sooner")
    func rhythm() {
        var names = NameResolution()
        names.keep(["a", "b"])
        #expect(names.due(at: 100) == ["a", "b"])
        #expect(names.due(at: 100).isEmpty && !names.isSettled && names.deadline == nil)
        let isNews = names.answered("a", one, at: 200)
        let isFailureNews = names.answered("b", nil, at: 200)
        #expect(isNews && !isFailureNews && names.isSettled)
        #expect(names.deadline == 200 + NameResolution.retryMilliseconds)
        #expect(names.due(at: 200 + NameResolution.retryMilliseconds) == ["b"])
        #expect(names.due(at: 200 + NameResolution.refreshMilliseconds) == ["a"])
    }

    @Test("a failure keeps the addresses that were known, and another order is no change")
    func keeps() {
        var names = NameResolution()
        names.keep(["a"])
        _ = names.due(at: 0)
        _ = names.answered("a", two, at: 1)
        let failed = names.answered("a", nil, at: 2)
        let empty = names.answered("a", [], at: 3)
        let turned = names.answered("a", two.reversed(), at: 4)
        #expect(!failed && !empty && !turned)
        #expect(names.addresses["a"] == two)
        let changed = names.answered("a", one, at: 5)
        #expect(changed && names.addresses["a"] == one)
    }

    @Test("names that no plan needs are forgotten, and late answers for them change nothing")
    func forgets() {
        var names = NameResolution()
        names.keep(["a"])
        _ = names.due(at: 0)
        names.keep([])
        let late = names.answered("a", one, at: 1)
        #expect(!late && names.addresses.isEmpty && names.isSettled)
    }
}

@Suite("The end of a process")
struct DrainTests {
    @Test("it accepts for a while, waits for what is open, and ends at the deadline")
    func course() {
        var drain = Drain()
        drain.look(at: 0, open: 0)
        #expect(drain.phase == .serving && drain.nextLook(at: 0) == nil)
        drain.begin(at: 1000, times: Drain.Times(least: 100, most: 5000))
        drain.look(at: 1050, open: 0)
        #expect(drain.phase == .draining)
        drain.look(at: 1100, open: 2)
        #expect(drain.phase == .draining && drain.nextLook(at: 1100) != nil)
        drain.look(at: 2000, open: 0)
        #expect(drain.phase == .over)

        var late = Drain()
        late.begin(at: 0, times: Drain.Times(least: 100, most: 5000))
        late.look(at: 4999, open: 1)
        #expect(late.phase == .draining)
        late.look(at: 5000, open: 1)
        #expect(late.phase == .over)
    }

    @Test("a second signal ends at once")
    func impatience() {
        var drain = Drain()
        drain.begin(at: 0, times: Drain.Times())
        drain.begin(at: 1, times: Drain.Times())
        #expect(drain.phase == .over)
    }
}

@Suite("Which Proxy this is")
struct ProxySelectionTests {
    private func proxy(_ name: String, _ namespace: String) -> Resource {
        .proxy(ProxyResource(metadata: Metadata(name: name, namespace: namespace)))
    }

    private func select(_ resources: [Resource], _ name: String?) -> String {
        switch ProxySelection.select(resources, name: name) {
        case .success(let proxy): "\(proxy.metadata.name).\(proxy.metadata.namespace)"
        case .failure(let error): error.description
        }
    }

    @Test("the only one, or the one that is named, with its namespace where names are equal")
    func selection() {
        let all = [proxy("a", "one"), proxy("a", "two"), proxy("b.c", "one")]
        #expect(select([all[0]], nil) == "a.one")
        #expect(select([], nil).hasPrefix("no Proxy"))
        #expect(select(all, nil) == "several Proxies are in the directory, choose with --proxy: a.one, a.two, b.c.one")
        #expect(select(all, "a") == "several Proxies are named a, add the namespace: a.one, a.two")
        #expect(select(all, "a.two") == "a.two")
        #expect(select(all, "b.c") == "b.c.one")
        #expect(select(all, "b.c.one") == "b.c.one")
        #expect(select(all, "x") == "no Proxy is named x; there are: a.one, a.two, b.c.one")
    }

    @Test("fields that need a restart are named")
    func restart() {
        let old = ProxyResource(metadata: Metadata(name: "a"))
        var new = old
        #expect(ProxySelection.restartFields(from: old, to: new).isEmpty)
        new.workers = 3
        new.adminAddress = "127.0.0.1:1"
        #expect(ProxySelection.restartFields(from: old, to: new) == ["spec.workers", "spec.admin.address"])
        new = old
        new.drainDurationMilliseconds = 5000
        #expect(ProxySelection.restartFields(from: old, to: new) == ["spec.drainDuration"])
    }
}

@Suite("What a generation changed")
struct PlanDifferenceTests {
    @Test("names are counted and cut after the third")
    func text() {
        let identity = ProxyIdentity(name: "p", namespace: "n", mode: .gateway)
        func plan(_ clusters: [(String, Int)]) -> Plan {
            Plan(identity: identity, clusters: clusters.map { ClusterSpec(name: $0.0, host: "h", port: $0.1) })
        }
        let old = plan([("a", 1), ("b", 1), ("gone", 1)])
        let new = plan([("a", 1), ("b", 2), ("c", 1), ("d", 1), ("e", 1), ("f", 1)])
        #expect(
            PlanDifference(from: old, to: new).text
                == "clusters: 4 added (c, d, e, …), 1 removed (gone), 1 changed (b)")
        #expect(PlanDifference(from: old, to: old).text == "nothing changed")
    }
}

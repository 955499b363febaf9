import Testing

@testable import Compile

@Suite struct NameTests {
    @Test("a short name takes the namespace of its rule; a name with a dot, a star or an address stays")
    func shortNames() {
        func resolve(_ name: String) -> String { HostName.resolve(name, namespace: "ns", domain: "cluster.local") }
        #expect(resolve("reviews") == "reviews.ns.svc.cluster.local")
        #expect(resolve("Reviews") == "reviews.ns.svc.cluster.local")
        #expect(resolve("reviews.prod") == "reviews.prod")
        #expect(resolve("*") == "*")
        #expect(resolve("*.foo.com") == "*.foo.com")
        #expect(resolve("10.0.0.1") == "10.0.0.1")
        #expect(resolve("fd00::1") == "fd00::1")
        #expect(resolve("") == "")
    }

    @Test(
        "a gateway's reference means the rule's namespace unless it says another",
        arguments: [
            ("mesh", "mesh"), ("gw", "ns/gw"), ("other/gw", "other/gw"), ("./gw", "ns/gw"), ("gw.other", "other/gw"),
            ("gw.other.svc.cluster.local", "other/gw"),
        ])
    func gateways(reference: String, meaning: String) {
        #expect(HostName.gateway(reference, namespace: "ns") == meaning)
    }

    @Test("a wildcard covers what ends as it does, but not the bare domain")
    func subsets() {
        #expect(HostName.isSubset("a.foo.com", of: "*.foo.com"))
        #expect(HostName.isSubset("a.b.foo.com", of: "*.foo.com"))
        #expect(!HostName.isSubset("foo.com", of: "*.foo.com"))
        #expect(HostName.isSubset("foo.com", of: "*foo.com"))
        #expect(HostName.isSubset("*.a.foo.com", of: "*.foo.com"))
        #expect(!HostName.isSubset("*.foo.com", of: "a.foo.com"))
        #expect(HostName.isSubset("*.foo.com", of: "*"))
        #expect(HostName.overlap("*.foo.com", "a.foo.com"))
        #expect(!HostName.overlap("*.foo.com", "*.bar.com"))
    }

    @Test("the intersection of hosts keeps the narrower of each pair, once")
    func intersections() {
        let hosts = HostSet(["*.foo.com", "b.com"])
        #expect(hosts.intersection(["a.foo.com", "c.com"]) == ["a.foo.com"])
        #expect(hosts.intersection(["*"]) == ["*.foo.com", "b.com"])
        #expect(hosts.intersection(["*.a.foo.com", "*.com"]) == ["*.a.foo.com", "*.foo.com", "b.com"])
        #expect(HostSet(["a.com"]).intersection(["b.com"]) == [])
        #expect(HostSet(["*"]).intersection(["b.com", "*.c.com", "*"]) == ["b.com", "*.c.com", "*"])
    }

    @Test("the most specific entry is the exact one, then the longest wildcard, then the star")
    func index() {
        var index = HostIndex<Int>()
        for (pattern, value) in [("*", 1), ("*.com", 2), ("*.foo.com", 3), ("a.foo.com", 4)] { index[pattern] = value }
        #expect(index.mostSpecific(for: "a.foo.com")?.value == 4)
        #expect(index.mostSpecific(for: "b.foo.com")?.value == 3)
        #expect(index.mostSpecific(for: "foo.com")?.pattern == "*.com")
        #expect(index.mostSpecific(for: "foo.org")?.value == 1)
        #expect(index.mostSpecific(for: "*.x.com")?.value == 2)
        #expect(index["*.foo.com"] == 3)
        #expect(HostIndex<Int>().mostSpecific(for: "a") == nil)
    }

    @Test("exportTo: the star beats all, a dot is home, a tilde is nobody")
    func exports() {
        func set(_ entries: String..., fallback: [String] = []) -> ExportSet {
            ExportSet(entries, namespace: "home", fallback: fallback)
        }
        #expect(set() == .everyone)
        #expect(set(fallback: ["."]).isPrivate(to: "home"))
        #expect(set("a", "*") == .everyone)
        #expect(set(".").isVisible(in: "home"))
        #expect(!set(".").isVisible(in: "away"))
        #expect(set("a", "b").isVisible(in: "b"))
        #expect(set("~") == .nobody)
        #expect(set("a", "b").isSuperset(of: set("a")))
        #expect(!set("a").isSuperset(of: .everyone))
    }
}

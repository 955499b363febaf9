import Routing
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

/// Which tables a sidecar gets.
@Suite struct OutboundTests {
    private let reviews = service("reviews")
    private let subsets = istio(
        "DestinationRule", "reviews",
        "host: reviews\nsubsets:\n- {name: v1, labels: {version: v1}}\n- {name: v2, labels: {version: v2}}")
    private let base = "outbound|80||reviews.default.svc.cluster.local"

    private func listener(_ port: Int, _ hosts: String = "'*/*'", more: String = "") -> String {
        istio(
            "Sidecar", "default",
            "egress:\n- port: {number: \(port), name: http, protocol: HTTP}\n  hosts: [\(hosts)]\n\(more)")
    }

    private func table(_ texts: String..., port: Int = 80, namespace: String = "default") -> CompiledPlan {
        let all =
            texts.flatMap { resources($0) }
            + resources(listener(port).replacing("namespace: default", with: "namespace: \(namespace)"))
        return Compiler.compile(all, proxy: sidecar(namespace, proxyPort: 0))
    }

    @Test("a service without rules has one route, under every name that reaches it")
    func defaultRoute() {
        let compiled = table(reviews)
        #expect(
            compiled.virtualHost("reviews")?.domains == [
                "reviews.default.svc.cluster.local", "reviews", "reviews.default", "reviews.default.svc",
                "reviews.default.svc.cluster.local.",
            ])
        #expect(compiled.targets("reviews") == [[base]])
        guard case .forward(let forward)? = compiled.routes("reviews")?[0].action else { return }
        #expect(forward.retry == .istioDefault)
        #expect(forward.timeoutMilliseconds == nil)
        #expect(compiled.plan.routeConfigurations[0].virtualHosts.last?.domains == ["*"])
    }

    @Test("from another namespace the bare name means nothing")
    func otherNamespace() {
        let compiled = table(reviews, namespace: "other")
        #expect(compiled.routes("reviews") == nil)
        #expect(compiled.targets("reviews.default") == [[base]])
        #expect(compiled.targets("*") == [["passthrough"]])
    }

    @Test("a VirtualService replaces the default route, and nothing is appended")
    func replaced() {
        let compiled = table(
            reviews,
            istio(
                "VirtualService", "r",
                "hosts: [reviews]\nhttp:\n- match: [{uri: {prefix: /a}}]\n  route: [{destination: {host: reviews}}]"))
        #expect(compiled.routes("reviews")?.map(\.path) == [.prefix("/a", ignoreCase: false)])
        #expect(compiled.routes("reviews")?[0].provenance.rule == "http[0].match[0]")
        #expect(compiled.routes("reviews")?[0].provenance.line ?? 0 > 1)
    }

    @Test("a VirtualService none of whose rules can hold leaves the default route")
    func staticallyExcluded() {
        let compiled = table(
            reviews,
            istio(
                "VirtualService", "r",
                "hosts: [reviews]\nhttp:\n- match: [{sourceLabels: {app: x}}]\n  directResponse: {status: 200}"))
        #expect(compiled.targets("reviews") == [[base]])
    }

    @Test("port, sourceLabels, sourceNamespace and gateways are decided when compiled")
    func selectors() {
        let rules = """
            hosts: [reviews]
            http:
            - match: [{port: 80, uri: {exact: /1}}, {port: 81, uri: {exact: /2}}]
              directResponse: {status: 200}
            - match: [{sourceLabels: {app: client}, uri: {exact: /3}}, {sourceNamespace: other, uri: {exact: /4}}]
              directResponse: {status: 200}
            - match: [{gateways: [gw], uri: {exact: /5}}, {gateways: [mesh], sourceLabels: {app: x}, uri: {exact: /6}}]
              directResponse: {status: 200}
            """
        let paths = table(reviews, istio("VirtualService", "r", rules)).routes("reviews")?.map(\.path)
        #expect(paths == ["/1", "/3", "/6"].map { .exact($0, ignoreCase: false) })
    }

    @Test("of two VirtualServices for one host the older serves, and the other one is told of")
    func duplicates() {
        let older = istio("VirtualService", "z", "hosts: [reviews]\nhttp:\n- directResponse: {status: 201}")
            .replacing("name: z,", with: "name: z, creationTimestamp: '2024-01-01T00:00:00Z',")
        let newer = istio("VirtualService", "a", "hosts: [reviews]\nhttp:\n- directResponse: {status: 202}")
            .replacing("name: a,", with: "name: a, creationTimestamp: '2024-01-02T00:00:00Z',")
        let compiled = table(reviews, newer, older)
        #expect(compiled.routes("reviews")?.map(\.provenance.name) == ["z"])
        #expect(
            compiled.tells(
                "VirtualService default/a: the host reviews.default.svc.cluster.local already has the rules of VirtualService default/z"
            ))
    }

    @Test("an exact host goes before a wildcard, and the longer wildcard before the shorter")
    func wildcards() {
        func answer(_ name: String, _ host: String, _ status: Int) -> String {
            istio("VirtualService", name, "hosts: ['\(host)']\nhttp:\n- directResponse: {status: \(status)}")
        }
        let compiled = table(
            reviews, service("ratings"), service("details", in: "other"), answer("a", "*.cluster.local", 201),
            answer("b", "*.default.svc.cluster.local", 202), answer("c", "reviews", 203))
        #expect(compiled.routes("reviews")?[0].provenance.name == "c")
        #expect(compiled.routes("ratings")?[0].provenance.name == "b")
        #expect(compiled.routes("details.other")?[0].provenance.name == "a")
    }

    @Test("a host that no service has is served on port 80 alone")
    func unknownHost() {
        let rule = istio("VirtualService", "e", "hosts: [ext.test]\nhttp:\n- directResponse: {status: 201}")
        #expect(table(reviews, rule).routes("ext.test")?.count == 1)
        #expect(
            table(service("reviews", ports: "{name: http, port: 8080}"), rule, port: 8080).routes("ext.test") == nil)
    }

    @Test("a destination without a port means the listen port, even where the service has another")
    func destinationPort() {
        let rule = istio("VirtualService", "r", "hosts: [reviews]\nhttp:\n- route: [{destination: {host: ratings}}]")
        let compiled = table(reviews, service("ratings", ports: "{name: http, port: 9080}"), rule)
        #expect(compiled.targets("reviews") == [["NC outbound|80||ratings.default.svc.cluster.local"]])
        #expect(compiled.tells("ratings.default.svc.cluster.local has no port 80"))
        #expect(compiled.tells("it has 9080"))
    }

    @Test(
        "a subset that no DestinationRule defines is NC, one that selects nothing has no endpoints; both are told with their lines"
    )
    func subsetsMissing() {
        let rule = istio(
            "VirtualService", "r",
            "hosts: [reviews]\nhttp:\n- match: [{uri: {prefix: /9}}]\n  route: [{destination: {host: reviews, subset: v9}}]\n- route: [{destination: {host: reviews, subset: v2}}]"
        )
        let compiled = table(reviews, subsets, rule, pod("p", ip: "10.0.0.1", labels: "app: reviews, version: v1"))
        #expect(
            compiled.targets("reviews") == [
                ["NC outbound|80|v9|reviews.default.svc.cluster.local"],
                ["outbound|80|v2|reviews.default.svc.cluster.local"],
            ])
        #expect(compiled.addresses("outbound|80|v2|reviews.default.svc.cluster.local") == [])
        #expect(compiled.addresses(base) == ["10.0.0.1:80"])
        #expect(compiled.messages.contains { $0.hasPrefix("test.yaml:") && $0.contains("defines subset 'v9'") })
        #expect(compiled.tells("subset 'v2' selects none of the 1 endpoints"))
    }

    @Test("a destination that no service is called is NC")
    func unknownDestination() {
        let compiled = table(
            reviews, istio("VirtualService", "r", "hosts: [reviews]\nhttp:\n- route: [{destination: {host: nowhere}}]"))
        #expect(compiled.targets("reviews") == [["NC outbound|80||nowhere.default.svc.cluster.local"]])
        #expect(compiled.tells("no service is called nowhere.default.svc.cluster.local"))
    }

    @Test("REGISTRY_ONLY answers 502 to unknown hosts; so does a Sidecar's policy without a mode")
    func registryOnly() {
        for policy in ["outboundTrafficPolicy: {mode: REGISTRY_ONLY}", "outboundTrafficPolicy: {}"] {
            let all = resources(reviews, listener(80, more: policy))
            let route = Compiler.compile(all, proxy: sidecar(proxyPort: 0)).routes("*")?[0]
            guard case .direct(let direct)? = route?.action else {
                Issue.record("\(policy) gives \(String(describing: route))")
                continue
            }
            #expect(direct == DirectAction(status: 502))
            #expect(route?.name == "block_all")
        }
        var strict = sidecar(proxyPort: 15080)
        strict.meshConfig.outboundTrafficPolicy = .registryOnly
        #expect(Compiler.compile([], proxy: strict).routes("*")?[0].name == "block_all")
    }

    @Test("what comes after a rule that takes everything is dropped, and told")
    func unreachable() {
        let compiled = table(
            reviews,
            istio(
                "VirtualService", "r",
                "hosts: [reviews]\nhttp:\n- match: [{uri: {prefix: /}}]\n  directResponse: {status: 201}\n- match: [{uri: {prefix: /b}}]\n  directResponse: {status: 202}"
            ))
        #expect(compiled.routes("reviews")?.count == 1)
        #expect(compiled.tells("http[1] is never reached: http[0].match[0] takes every request before it"))
    }

    @Test("an ExternalName service lends its names to its target; without one its destinations are NC")
    func externalNames() {
        let alias =
            "---\napiVersion: v1\nkind: Service\nmetadata: {name: alias, namespace: default}\nspec: {type: ExternalName, externalName: reviews.default.svc.cluster.local}\n"
        let lost =
            "---\napiVersion: v1\nkind: Service\nmetadata: {name: lost, namespace: default}\nspec: {type: ExternalName, externalName: ext.test}\n"
        let rule = istio(
            "VirtualService", "r",
            "hosts: [ratings]\nhttp:\n- match: [{uri: {prefix: /a}}]\n  route: [{destination: {host: alias}}]\n- route: [{destination: {host: lost}}]"
        )
        let compiled = table(reviews, service("ratings"), alias, lost, rule)
        #expect(compiled.targets("alias") == [[base]])
        #expect(compiled.targets("ratings")?[0] == [base])
        #expect(compiled.targets("ratings")?[1] == ["NC outbound|80||lost.default.svc.cluster.local"])
        #expect(compiled.tells("stands for ext.test"))
    }

    @Test("a Sidecar imports what its hosts say, and still finds the clusters of its rules")
    func imports() {
        let rule = istio(
            "VirtualService", "r",
            "hosts: [reviews]\nhttp:\n- route: [{destination: {host: ratings.other.svc.cluster.local}}]")
        let all = resources(
            reviews, service("hidden"), service("ratings", in: "other"), rule,
            listener(80, "./reviews.default.svc.cluster.local"))
        let compiled = Compiler.compile(all, proxy: sidecar(proxyPort: 0))
        #expect(compiled.targets("reviews") == [["outbound|80||ratings.other.svc.cluster.local"]])
        #expect(compiled.routes("hidden") == nil)
        #expect(compiled.routes("ratings.other") == nil)
    }

    @Test("headless services also answer to the names of their Pods")
    func headless() {
        let text = service("db").replacing("selector:", with: "clusterIP: None\n  selector:")
        #expect(table(text).virtualHost("db")?.domains.contains("*.db.default.svc.cluster.local") == true)
    }
}

/// The table of a proxy port: all ports together.
@Suite struct ProxyPortTests {
    private let two = service(
        "two", ports: "{name: http, port: 80}, {name: http-admin, port: 9000}, {name: tcp, port: 7000}")

    @Test("port 80 may be left out, other ports must be there, ports that are not HTTP are not served")
    func domains() {
        let compiled = Compiler.compile(resources(two), proxy: sidecar())
        #expect(compiled.plan.routeConfigurations[0].matchesPort)
        let name = "outbound|%||two.default.svc.cluster.local"
        for host in ["two", "two:80", "two.default", "two.default.svc.cluster.local:80"] {
            #expect(compiled.targets(host) == [[name.replacing("%", with: "80")]], "\(host)")
        }
        #expect(compiled.targets("two:9000") == [[name.replacing("%", with: "9000")]])
        #expect(compiled.routes("two:7000") == nil)
        #expect(
            compiled.plan.listeners.map { "\($0.name) \($0.address) \($0.role)" } == [
                "http_proxy 127.0.0.1:15080 proxyPort"
            ])
    }

    @Test("a rule without a port goes to the port that was named; blocks with a port are left out")
    func ports() {
        let rule = istio(
            "VirtualService", "r",
            "hosts: [two]\nhttp:\n- match: [{port: 80}]\n  directResponse: {status: 201}\n- route: [{destination: {host: two}}]"
        )
        let compiled = Compiler.compile(resources(two, rule), proxy: sidecar())
        #expect(compiled.targets("two") == [["outbound|80||two.default.svc.cluster.local"]])
        #expect(compiled.targets("two:9000") == [["outbound|9000||two.default.svc.cluster.local"]])
    }

    @Test("a destination's only port is found")
    func onlyPort() {
        let rule = istio("VirtualService", "r", "hosts: [two]\nhttp:\n- route: [{destination: {host: one}}]")
        let compiled = Compiler.compile(
            resources(two, service("one", ports: "{name: http, port: 3000}"), rule), proxy: sidecar())
        #expect(compiled.targets("two") == [["outbound|3000||one.default.svc.cluster.local"]])
    }

    @Test("rules for hosts that no service has are not used, and told")
    func unknownHosts() {
        let rule = istio("VirtualService", "r", "hosts: [ext.test]\nhttp:\n- directResponse: {status: 201}")
        let compiled = Compiler.compile(resources(rule), proxy: sidecar())
        #expect(compiled.routes("ext.test") == nil)
        #expect(compiled.tells("no service is called ext.test: on a proxy port its rules are not used"))
    }

    @Test("an endpoint that is the proxy's own way out is refused; its own way in is not")
    func loops() {
        let inbound = istio(
            "Sidecar", "s",
            "ingress: [{port: {number: 9080, protocol: HTTP, name: http}, bind: 127.0.0.1, defaultEndpoint: '127.0.0.1:8080'}]"
        )
        let loop = service("loop", ports: "{name: http, port: 80, targetPort: 15080}")
        let own = service("own", ports: "{name: http, port: 80, targetPort: 9080}")
        let compiled = Compiler.compile(
            resources(
                inbound, loop, own, pod("a", ip: "127.0.0.1", labels: "app: loop"),
                pod("b", ip: "127.0.0.1", labels: "app: own")),
            proxy: sidecar())
        #expect(compiled.addresses("outbound|80||loop.default.svc.cluster.local") == [])
        #expect(compiled.tells("this proxy's own listener http_proxy"))
        #expect(compiled.addresses("outbound|80||own.default.svc.cluster.local") == ["127.0.0.1:9080"])
    }
}

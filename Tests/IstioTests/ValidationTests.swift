import Testing

@testable import Istio

/// Rules between values, each with the line that the message names.
@Suite struct ValidationTests {
    private func findings(_ kind: String, _ spec: String) -> [Diagnostic] {
        let file = decode(document(kind, spec))
        #expect(file.diagnostics.isEmpty, "\(file.diagnostics)")
        return file.resources.flatMap(Validation.validate)
    }

    private func errors(_ kind: String, _ spec: String) -> [String] {
        findings(kind, spec).filter { $0.severity == .error }.map { "\($0.location.line): \($0.message)" }
    }

    @Test("a VirtualService of everyday use has no findings")
    func clean() {
        let spec = """
            hosts: [shop.ns.svc.cluster.local, "*.example.com"]
            gateways: [mesh, ingress/front]
            http:
            - match: [{uri: {prefix: /a}, headers: {x-user: {regex: "a.*"}}}]
              rewrite: {uri: /}
              route: [{destination: {host: shop, subset: v1}, weight: 10}, {destination: {host: shop}, weight: 90}]
              retries: {attempts: 3, retryOn: "5xx,503,connect-failure"}
            - redirect: {uri: /new, redirectCode: 308}
            """
        #expect(findings("VirtualService", spec).isEmpty)
    }

    @Test("a rule does one thing")
    func actions() {
        let spec = """
            hosts: [a]
            http:
            - name: nothing
            - route: [{destination: {host: a}}]
              redirect: {uri: /x}
            - directResponse: {status: 99}
            - route: [{destination: {host: a}}, {destination: {host: b}}]
            """
        #expect(
            errors("VirtualService", spec) == [
                "7: a rule does nothing", "8: a rule has both redirect and route",
                "10: directResponse's status is 99, outside 200…600", "11: the weights of 2 destinations add up to 0",
            ])
    }

    @Test("regular expressions are compiled, and their fault is told")
    func expressions() {
        let spec = """
            hosts: [a]
            http:
            - match:
              - uri: {regex: "a(b"}
              - headers:
                  x-b: {regex: "*"}
                withoutHeaders:
                  x-b: {regex: "*"}
              route: [{destination: {host: a}}]
            """
        let found = errors("VirtualService", spec)
        #expect(found.count == 2)
        #expect(found.first?.hasPrefix("8: uri: the regular expression \"a(b\" cannot be used") == true)
        #expect(found.last?.hasPrefix("10: headers: ") == true)
    }

    @Test("values of headers close their percent signs")
    func headerTemplates() {
        for value in ["", "100%%", "%HOSTNAME%", "a %REQ(:path)% b %PROTOCOL%", "%DYNAMIC_METADATA([\"a\",\"b\"])%"] {
            #expect(HeaderTemplate.isClosed(value), "\(value)")
        }
        for value in ["100%", "%HOSTNAME", "%REQ(:path%", "%REQ(:path)", "a%%%"] {
            #expect(!HeaderTemplate.isClosed(value), "\(value)")
        }
    }

    @Test("hosts of one VirtualService do not overlap, and * is not for the mesh")
    func hosts() {
        let rule = "\nhttp: [{route: [{destination: {host: a}}]}]"
        #expect(errors("VirtualService", "hosts: [a.foo.com, '*.foo.com']" + rule).count == 1)
        #expect(errors("VirtualService", "hosts: [a, b, a]" + rule).count == 1)
        #expect(errors("VirtualService", "hosts: ['*']" + rule).count == 1)
        #expect(errors("VirtualService", "hosts: ['*']\ngateways: [front]" + rule).isEmpty)
        #expect(errors("VirtualService", "hosts: ['a_b']" + rule).count == 1)
    }

    @Test("rules that no request reaches are warnings")
    func reachability() {
        let spec = """
            hosts: [a]
            http:
            - match: [{uri: {prefix: /a}}]
              route: [{destination: {host: a}}]
            - match: [{uri: {prefix: /ab}}]
              route: [{destination: {host: b}}]
            - route: [{destination: {host: a}}]
            - match: [{uri: {exact: /c}}]
              route: [{destination: {host: c}}]
            """
        let found = findings("VirtualService", spec)
        #expect(found.allSatisfy { $0.severity == .warning })
        #expect(found.map(\.location.line) == [9, 9, 12])
    }

    @Test("a Gateway that redirects and ends TLS is valid, a misspelt protocol and a short host are not")
    func gateway() {
        let spec = """
            selector: {istio: ingressgateway}
            servers:
            - port: {number: 80, name: http, protocol: HTTP}
              hosts: ["*"]
              tls: {httpsRedirect: true}
            - port: {number: 443, name: https, protocol: HTTPS}
              hosts: ["./shop.example.com"]
              tls: {mode: SIMPLE, credentialName: shop}
            """
        #expect(findings("Gateway", spec).isEmpty)
        #expect(
            errors("Gateway", "servers: [{port: {number: 80, name: http, protocol: HTP}, hosts: [a.b]}]").count == 1)
        #expect(
            errors("Gateway", "servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop]}]").count == 1)
    }

    @Test("names are held to Istio's syntax")
    func names() {
        for name in ["a", "A1", "a-b", String(repeating: "a", count: 63)] { #expect(Names.isLabel(name), "\(name)") }
        for name in ["", "-a", "a-", "a_b", "a.b", "ä", String(repeating: "a", count: 64)] {
            #expect(!Names.isLabel(name), "\(name)")
        }
        for name in ["*", "*.a.com", "*foo.com", "*-foo.com", "a.com.", "a"] {
            #expect(Names.isWildcardDomain(name), "\(name)")
        }
        for name in ["", "a.*.com", "**", "a..b", "1.2.3.4", "*."] { #expect(!Names.isWildcardDomain(name), "\(name)") }
        #expect(Names.isSubnet("10.0.0.0/8"))
        #expect(Names.isSubnet("fd00::/8"))
        for text in ["10.0.0.0/33", "10.0.0.0", "a/8", "10.0.0.0/-1"] { #expect(!Names.isSubnet(text), "\(text)") }
    }

    @Test("hosts overlap and contain one another as Istio's do")
    func patterns() {
        #expect(HostPattern.overlap("*.foo.com", "a.foo.com"))
        #expect(HostPattern.overlap("*", "*.com"))
        #expect(!HostPattern.overlap("*.foo.com", "foo.com"))
        #expect(HostPattern.isSubset("*.a.com", of: "*.com"))
        #expect(!HostPattern.isSubset("*.com", of: "*.a.com"))
    }

    @Test("protocols of ports follow name, appProtocol and number")
    func protocols() {
        func found(_ name: String, app: String? = nil, port: Int = 8080, transport: String = "TCP") -> PortProtocol {
            PortProtocol(servicePort: port, name: name, protocol: transport, appProtocol: app)
        }
        #expect(found("http") == .http)
        #expect(found("HTTP-x") == .http)
        #expect(found("httpfoo") == .auto)
        #expect(found("grpc-web-x") == .grpcWeb)
        #expect(found("http2-x") == .http2)
        #expect(found("web") == .auto)
        #expect(found("web", port: 3306) == .tcp)
        #expect(found("tcp", app: "http-foo") == .http)
        #expect(found("http", app: "kubernetes.io/h2c") == .http2)
        #expect(found("http", transport: "UDP") == .udp)
    }
}

import TLS
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

@Suite struct InboundTLSTests {
    private func compile(_ portProtocol: String, tls: String = "", identity: Bool = true, _ others: String...)
        -> CompiledPlan
    {
        let port =
            portProtocol.isEmpty ? "{number: 9000, name: p}" : "{number: 9000, name: p, protocol: \(portProtocol)}"
        let sidecarText = istio(
            "Sidecar", "s",
            "ingress:\n- port: \(port)\n  defaultEndpoint: 127.0.0.1:8080\n\(tls.isEmpty ? "" : "  tls: {\(tls)}")")
        return Compiler.compile(
            ([sidecarText] + others).flatMap { resources($0) }, proxy: sidecar { if identity { $0.addIdentity() } })
    }

    private let app = "1×inbound|9000||"
    private let strict = peers("p", "mtls: {mode: STRICT}")
    private let disable = peers("p", "mtls: {mode: DISABLE}")

    private func tls(_ alpn: String...) -> ConnectionFacts { ConnectionFacts(transport: .tls, alpn: alpn) }

    @Test("a permissive HTTP port takes the mesh's TLS and plain text, and closes other TLS")
    func permissiveHTTP() {
        let compiled = compile("HTTP")
        #expect(compiled.takes("inbound|9000", tls("istio-h2", "istio")) == "mtls-http")
        #expect(compiled.takes("inbound|9000", tls("istio")) == "mtls-http")
        #expect(compiled.takes("inbound|9000", tls("h2")) == nil)
        #expect(compiled.takes("inbound|9000", ConnectionFacts()) == "http")
    }

    @Test(
        "a permissive port that names no protocol tells the mesh's HTTP and bytes, foreign TLS, plain HTTP and bytes apart"
    )
    func permissiveAuto() {
        let compiled = compile("")
        #expect(compiled.takes("inbound|9000", tls("istio-http/1.1", "istio")) == "mtls-http")
        #expect(compiled.takes("inbound|9000", tls("istio-peer-exchange", "istio")) == "mtls-tcp")
        #expect(compiled.takes("inbound|9000", tls("http/1.1")) == "tls-tcp")
        #expect(compiled.takes("inbound|9000", ConnectionFacts(application: .http)) == "http")
        #expect(compiled.takes("inbound|9000", ConnectionFacts(application: .other)) == "tcp")
    }

    @Test("a permissive TCP port ends the mesh's TLS and passes everything else on")
    func permissiveTCP() {
        #expect(
            compile("TCP").chains("inbound|9000") == [
                "mtls-tcp: TLS, ALPN istio-peer-exchange istio → tls \(app)", "tls-tcp: TLS → \(app)",
                "tcp: plain text → \(app)",
            ])
    }

    @Test("a strict port takes mutual TLS only, from workloads of the trust domain")
    func strictPort() {
        let compiled = compile("HTTP", strict)
        #expect(compiled.chains("inbound|9000") == ["mtls-http: TLS → tls http"])
        let settings = compiled.plan.listeners.first { $0.name == "inbound|9000" }?.chains[0].tls
        #expect(settings?.clientCertificates == .required)
        #expect(settings?.trustDomains == ["cluster.local"])
        #expect(compile("TCP", strict).chains("inbound|9000") == ["mtls-tcp: TLS → tls \(app)"])
    }

    @Test("a strict port without a certificate is closed to everything, and an error says so")
    func strictWithoutIdentity() {
        let compiled = compile("HTTP", identity: false, strict)
        #expect(compiled.chains("inbound|9000") == ["closed:  → closed http"])
        #expect(compiled.takes("inbound|9000", ConnectionFacts()) == "closed")
        #expect(compiled.diagnostics.contains { $0.severity == .error && "\($0)".contains("spec.identity") })
    }

    @Test("a permissive port without a certificate takes plain text, with a warning where somebody asked")
    func permissiveWithoutIdentity() {
        #expect(compile("HTTP", identity: false).chains("inbound|9000") == ["http:  → http"])
        #expect(compile("HTTP", identity: false).messages.isEmpty)
        let asked = compile("HTTP", identity: false, peers("p", "mtls: {mode: PERMISSIVE}"))
        #expect(asked.chains("inbound|9000") == ["http:  → http"])
        #expect(asked.diagnostics.map(\.severity) == [.warning])
    }

    @Test("a port without mutual TLS takes connections as they are")
    func disabled() {
        #expect(compile("HTTP", disable).chains("inbound|9000") == ["http:  → http"])
        #expect(compile("", disable).chains("inbound|9000") == ["http: HTTP → http", "tcp:  → \(app)"])
        #expect(compile("TCP", disable).chains("inbound|9000") == ["tcp:  → \(app)"])
    }

    @Test(
        "a port's mode goes before the workload's, that before the namespace's, and that before the mesh's; UNSET inherits"
    )
    func levels() {
        let mesh = peers("mesh", in: "istio-system", "mtls: {mode: DISABLE}")
        let space = peers("space", "mtls: {mode: STRICT}")
        let own = peers("own", "selector: {matchLabels: {app: client}}, mtls: {mode: PERMISSIVE}")
        let port = peers("a", "selector: {matchLabels: {app: client}}, portLevelMtls: {'9000': {mode: STRICT}}")
        let other = peers("b", "selector: {matchLabels: {app: other}}, mtls: {mode: DISABLE}")
        func names(_ texts: String...) -> [String]? {
            Compiler.compile(
                (texts + [
                    istio(
                        "Sidecar", "s",
                        "ingress: [{port: {number: 9000, name: p, protocol: HTTP}, defaultEndpoint: '127.0.0.1:1'}]")
                ]).flatMap { resources($0) }, proxy: sidecar { $0.addIdentity() }
            ).plan.listeners.first { $0.name == "inbound|9000" }?.chains.map(\.name)
        }
        #expect(names(mesh) == ["http"])
        #expect(names(mesh, space) == ["mtls-http"])
        #expect(names(mesh, space, own) == ["mtls-http", "http"])
        #expect(names(mesh, space, port, other) == ["mtls-http"])
        #expect(names(mesh, peers("space", "mtls: {mode: UNSET}")) == ["http"])
        #expect(names(space, peers("later", "mtls: {mode: DISABLE}")) == ["http"])
    }

    @Test("an ingress port's own tls holds where mutual TLS is switched off, and is told of where it is not")
    func ownTLS() {
        let files = "mode: SIMPLE, serverCertificate: /c, privateKey: /k"
        #expect(compile("HTTPS", tls: files, disable).chains("inbound|9000") == ["tls: TLS → tls http"])
        #expect(compile("TLS", tls: files, disable).chains("inbound|9000") == ["tls: TLS → tls \(app)"])
        let unused = compile("HTTPS", tls: files)
        #expect(unused.tells("tls of ingress port 9000 is not used"))
        #expect(unused.chains("inbound|9000")?.count == 3)
    }

    @Test("the application is spoken to in the protocol of its port")
    func application() {
        #expect(compile("HTTP").cluster("inbound|9000||")?.speaks == .http1)
        #expect(compile("GRPC").cluster("inbound|9000||")?.speaks == .http2)
        #expect(compile("").cluster("inbound|9000||")?.speaks == .asClient)
    }

    @Test("portLevelMtls needs a selector and ports")
    func validation() {
        func errors(_ spec: String) -> Int {
            resources(peers("p", spec)).flatMap(Validation.validate).count { $0.severity == .error }
        }
        #expect(errors("portLevelMtls: {'80': {mode: STRICT}}") == 1)
        #expect(errors("selector: {matchLabels: {a: b}}, portLevelMtls: {'0': {mode: STRICT}}") == 1)
        #expect(errors("selector: {matchLabels: {a: '*'}}, mtls: {mode: STRICT}") == 1)
        #expect(errors("selector: {matchLabels: {a: b}}, portLevelMtls: {'80': {mode: STRICT}}") == 0)
    }
}

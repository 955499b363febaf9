import Control
import Foundation
import Plan
import TLS
import Telemetry
import Testing

@testable import Admin

@Suite("Certificates in admin")
struct CertificatesPageTests {
    private static let hasOpenSSL = FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")

    /// A certificate and its key, as one PEM text.
    private static func pem() throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = """
            req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout - -out - -days 30 -subj /CN=a\
             -addext subjectAltName=DNS:a.example,URI:spiffe://d/ns/n/sa/s
            """.split(separator: " ").map(String.init)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer { process.waitUntilExit() }
        return String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }

    private func report() throws -> ContextReport {
        let text = try Self.pem()
        let source = PEMSource.text(name: "Secret n/a", text)
        let good = TLSServerSettings(
            certificates: [CertificateSource(chain: source, key: source)], name: "Gateway n/a, server \"x\"",
            origin: "a.yaml:3")
        let bad = TLSClientSettings(
            authorities: .sources([.file("/nowhere/ca.pem")]), name: "outbound|443||h", origin: "b.yaml:9")
        let chain = ChainSpec(name: "tls", tls: good, action: .http(routes: 0))
        let plan = Plan(
            identity: ProxyIdentity(name: "p", namespace: "n", mode: .gateway),
            listeners: [
                ListenerSpec(
                    name: "l", address: .ipv4(0x7F00_0001, port: 0), role: .gateway, chains: [chain], servicePort: 443)
            ], clusters: [.init(name: "c", host: "h", port: 443, tls: bad)])
        var builder = ContextBuilder()
        return builder.build(plan).report
    }

    @Test("the page shows what serves and what does not, and never a key", .enabled(if: hasOpenSSL, "needs openssl"))
    func page() throws {
        let report = try report()
        let notAfter = try #require(report.statuses.first?.certificates.first?.notAfter)
        let next = CertificatesPage(report: report, now: notAfter - 86_401).pieces()
        var bytes: [UInt8] = []
        while let piece = next() { bytes += piece }
        let text = String(decoding: bytes, as: UTF8.self)
        let page = try #require(
            try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: [[String: Any]]])
        let contexts = try #require(page["contexts"])
        try #require(contexts.count == 2)
        #expect(contexts[0]["owner"] as? String == "Gateway n/a, server \"x\"")
        #expect(contexts[0]["state"] as? String == "serving")
        #expect(contexts[0]["at"] as? String == "a.yaml:3")
        let certificate = try #require((contexts[0]["certificates"] as? [[String: Any]])?.first)
        #expect(certificate["subject"] as? String == "CN=a")
        #expect(certificate["days_left"] as? Int == 1)
        #expect((certificate["names"] as? [String: [String]])?["uri"] == ["spiffe://d/ns/n/sa/s"])
        #expect(contexts[1]["state"] as? String == "quarantined")
        #expect(contexts[1]["problem"] as? String == "/nowhere/ca.pem does not exist (create it, or correct the path)")
        #expect(!text.contains("BEGIN") && !text.contains("PRIVATE"))
    }

    @Test("metrics say when a certificate expires and how contexts fare", .enabled(if: hasOpenSSL, "needs openssl"))
    func metrics() throws {
        let report = try report()
        let notAfter = try #require(report.statuses.first?.certificates.first?.notAfter)
        let text = PrometheusPage(metrics: Metrics(workers: 1), labelled: CertificatesPage.gauges(report)).text()
        #expect(
            text.contains(
                "outrider_certificate_not_after_seconds{owner=\"Gateway n/a, server \\\"x\\\"\",side=\"server\","
                    + "file=\"Secret n/a\"} \(notAfter)\n"))
        #expect(text.contains("# TYPE outrider_tls_contexts gauge\n"))
        #expect(text.contains("outrider_tls_contexts{state=\"serving\"} 1\n"))
        #expect(text.contains("outrider_tls_contexts{state=\"stale\"} 0\n"))
        #expect(text.contains("outrider_tls_contexts{state=\"quarantined\"} 1\n"))
    }
}

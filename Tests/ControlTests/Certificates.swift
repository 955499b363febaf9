import Foundation
import Istio
import Plan
import TLS
import Wire

@testable import Control

/// A folder with certificates that `openssl` issues.
final class Certificates {
    static let canIssue = ["/usr/bin", "/usr/local/bin"].contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/openssl")
    }

    let folder: TemporaryFolder
    var path: String { folder.path }

    init() throws { folder = try TemporaryFolder() }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes `NAME.pem` and `NAME.key`, self-signed and valid for 30 days.
    func issue(_ name: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-ec",
            """
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(name).key.new \
              -out \(name).pem.new -days 30 -subj /CN=\(name) -addext subjectAltName=DNS:\(name).example
            mv \(name).key.new \(name).key; mv \(name).pem.new \(name).pem
            """,
        ]
        process.currentDirectoryURL = URL(fileURLWithPath: path)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    func copy(_ from: String, to: String) throws {
        try Data(contentsOf: URL(fileURLWithPath: file(from))).write(
            to: URL(fileURLWithPath: file(to)), options: .atomic)
    }

    func text(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }

    func server(_ name: String, line: Int = 1) -> TLSServerSettings {
        TLSServerSettings(
            certificates: [CertificateSource(chain: .file(file("\(name).pem")), key: .file(file("\(name).key")))],
            name: "Gateway n/\(name), server https", origin: "gateway.yaml:\(line)")
    }

    func client(_ cluster: String, authority: String) -> TLSClientSettings {
        TLSClientSettings(
            authorities: .sources([.file(file("\(authority).pem"))]), serverName: .fixed(cluster),
            name: "outbound|443||\(cluster)", origin: "rule.yaml:7")
    }
}

extension Plan {
    /// Nothing but TLS.
    static func of(_ servers: [TLSServerSettings] = [], clients: [TLSClientSettings] = []) -> Plan {
        let chains = servers.map { settings in
            ChainSpec(name: settings.name, transport: .tls, tls: settings, action: .http(routes: 0))
        }
        let listener = ListenerSpec(
            name: "https.443", address: .ipv4(0x7F00_0001, port: 0), role: .gateway, chains: chains, servicePort: 443)
        return Plan(
            identity: ProxyIdentity(name: "p", namespace: "n", mode: .gateway),
            listeners: servers.isEmpty ? [] : [listener],
            clusters: clients.map { .init(name: $0.name, host: "h", port: 443, tls: $0) })
    }
}

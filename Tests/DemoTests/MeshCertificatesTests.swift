import Foundation
import Testing

@testable import Demo

@Suite(.enabled(if: MeshCertificates.canBeMade)) struct MeshCertificatesTests {
    private let folder = "\(NSTemporaryDirectory())/outrider-certificates-\(UUID().uuidString.prefix(8))"
    private let web = MeshCertificates.Workload(name: "web", identity: "spiffe://cluster.local/ns/shop/sa/web")

    private func make() throws -> MeshCertificates {
        try FileManager.default.createDirectory(atPath: "\(folder)/config", withIntermediateDirectories: true)
        let certificates = try MeshCertificates(config: "\(folder)/config", authority: "\(folder)/authority")
        try certificates.makeAuthority()
        try certificates.issue([web])
        return certificates
    }

    private func openssl(_ arguments: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Program.path(of: "openssl")))
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("A workload's certificate has its identity, is signed by the authority, and outlives a week")
    func workload() throws {
        let link = try make().link
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let text = try openssl("x509", "-noout", "-text", "-in", "\(link)/web/chain.pem")
        #expect(text.contains("URI:spiffe://cluster.local/ns/shop/sa/web"), "\(text)")
        #expect(text.contains("ASN1 OID: prime256v1") && text.contains("CA:FALSE"))
        for usage in ["sslserver", "sslclient"] {
            let verdict = try openssl(
                "verify", "-x509_strict", "-purpose", usage, "-CAfile", "\(link)/root.pem", "\(link)/web/chain.pem")
            #expect(verdict.contains(": OK"), "\(verdict)")
        }
        let week = try openssl("x509", "-noout", "-checkend", "\(8 * 86_400)", "-in", "\(link)/web/chain.pem")
        #expect(week.contains("will not expire"))
        let names = try openssl("x509", "-noout", "-ext", "subjectAltName", "-in", "\(link)/gateway/chain.pem")
        #expect(names.contains("DNS:localhost") && names.contains("IP Address:127.0.0.1"))
    }

    @Test("Keys are for their user alone, and the authority's is not where proxies read")
    func keys() throws {
        let link = try make().link
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for key in ["\(link)/web/key.pem", "\(link)/gateway/key.pem", "\(folder)/authority/root.key"] {
            #expect(try mode(key) == 0o600, "\(key)")
        }
        let served = try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/config")
        #expect(!served.contains { $0.hasSuffix("root.key") || $0.hasSuffix(".cnf") }, "\(served)")
    }

    @Test("A renewal changes every certificate but the root, at once, and keeps one folder of before")
    func renewal() throws {
        let certificates = try make()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let read = { (file: String) in try String(contentsOfFile: "\(certificates.link)/\(file)", encoding: .utf8) }
        let before = try ["web/chain.pem", "web/key.pem", "gateway/chain.pem", "root.pem"].map(read)
        try certificates.issue([web])
        let after = try ["web/chain.pem", "web/key.pem", "gateway/chain.pem", "root.pem"].map(read)
        #expect(zip(before, after).map { $0 == $1 } == [false, false, false, true])
        try certificates.issue([web])
        let folders = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/config").sorted()
        #expect(folders == [".certificates-2", ".certificates-3", "certificates"])
    }
}

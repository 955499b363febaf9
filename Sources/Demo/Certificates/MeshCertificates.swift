import Foundation
import Glibc

/// The certificates of one demo: a mesh authority of its own, which signs one for each workload and one for the gateway's HTTPS.
///
/// They stand as a mounted Secret does: `certificates` is a link to a folder that is complete, and a renewal makes another folder
/// and moves the link. Nobody sees a chain beside the key of another.
package struct MeshCertificates {
    /// Who gets a certificate.
    package struct Workload: Equatable, Sendable {
        /// Its folder: the Proxy's name.
        package var name: String
        /// `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`.
        package var identity: String

        package init(name: String, identity: String) {
            self.name = name
            self.identity = identity
        }
    }

    /// Beyond the week in which proxies warn that a certificate expires.
    package static let days = 30
    /// What the gateway's HTTPS certificate names.
    package static let gatewayNames = ["DNS:localhost", "DNS:shop.localtest.me", "IP:127.0.0.1"]

    /// The link, in the directory that proxies read.
    package let link: String
    private let config: String
    private let authority: (certificate: String, key: String)
    private let openssl: OpenSSLCommand

    package static var canBeMade: Bool { OpenSSLCommand() != nil }

    /// - Parameters:
    ///   - config: the directory that proxies read.
    ///   - authority: the folder that keeps the authority's key, which no proxy reads.
    package init(config: String, authority: String) throws {
        guard let openssl = OpenSSLCommand() else {
            throw DemoError("openssl is not installed; it makes the demo's certificates.")
        }
        self.openssl = openssl
        self.config = config
        self.authority = ("\(authority)/root.pem", "\(authority)/root.key")
        link = "\(config)/certificates"
    }

    /// Makes the authority.
    package func makeAuthority() throws {
        try FileManager.default.createDirectory(
            atPath: (authority.key as NSString).deletingLastPathComponent, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        try openssl.make(
            .init(
                commonName: "mesh authority", days: Self.days,
                extensions: [
                    "basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign, cRLSign",
                    "subjectKeyIdentifier = hash",
                ]), key: authority.key, certificate: authority.certificate, authority: nil)
    }

    /// Makes every certificate anew, and then puts all of them into place in one step.
    package func issue(_ workloads: [Workload]) throws {
        let number = (Self.number(of: link) ?? 0) + 1
        let folder = "\(config)/.certificates-\(number)"
        // What a renewal left that was cut short; and the one before the last, which nobody reads any more.
        try? FileManager.default.removeItem(atPath: folder)
        try? FileManager.default.removeItem(atPath: "\(config)/.certificates-\(number - 2)")
        for workload in workloads {
            try issue(
                "\(folder)/\(workload.name)", workload.name, "serverAuth, clientAuth",
                "critical, URI:\(workload.identity)")
        }
        try issue("\(folder)/gateway", "gateway", "serverAuth", Self.gatewayNames.joined(separator: ", "))
        try FileManager.default.copyItem(atPath: authority.certificate, toPath: "\(folder)/root.pem")

        let half = "\(config)/.certificates.new"
        unlink(half)
        guard symlink(".certificates-\(number)", half) == 0, rename(half, link) == 0 else {
            throw DemoError("Cannot replace \(link): \(String(cString: strerror(errno))).")
        }
    }

    private func issue(_ folder: String, _ name: String, _ usage: String, _ names: String) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try openssl.make(
            .init(
                commonName: name, days: Self.days,
                extensions: [
                    "basicConstraints = critical, CA:FALSE", "keyUsage = critical, digitalSignature",
                    "extendedKeyUsage = \(usage)", "subjectAltName = \(names)",
                    "subjectKeyIdentifier = hash", "authorityKeyIdentifier = keyid",
                ]), key: "\(folder)/key.pem", certificate: "\(folder)/chain.pem", authority: authority)
    }

    /// Which folder the link leads to; nil without a link.
    private static func number(of link: String) -> Int? {
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else { return nil }
        return target.split(separator: "-").last.flatMap { Int($0) }
    }
}

import Foundation
import Glibc

/// The command `openssl`, as far as the demo needs it: it makes keys and signs certificates.
struct OpenSSLCommand {
    private let program: String

    /// nil where it is not installed.
    init?() {
        guard let program = Program.path(of: "openssl") else { return nil }
        self.program = program
    }

    /// What a certificate says.
    struct Request {
        var commonName: String
        var days: Int
        /// Lines of an extension section of openssl's configuration, `name = value`.
        var extensions: [String]
    }

    /// Makes an ECDSA P-256 key that only this user reads, and a certificate for it: signed by `authority`, else by itself.
    func make(_ request: Request, key: String, certificate: String, authority: (certificate: String, key: String)?)
        throws
    {
        // A configuration of our own: nothing of the machine's gets into the certificate.
        let settings = "\(key).cnf"
        let text =
            "[req]\ndistinguished_name = subject\nprompt = no\n[subject]\nO = outrider demo\nCN = \(request.commonName)\n"
            + "[extensions]\n\(request.extensions.joined(separator: "\n"))\n"
        try text.write(toFile: settings, atomically: false, encoding: .utf8)
        defer { unlink(settings) }
        var arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256",
            "-days", "\(request.days)", "-config", settings, "-extensions", "extensions",
            "-keyout", key, "-out", certificate,
        ]
        if let authority { arguments += ["-CA", authority.certificate, "-CAkey", authority.key] }
        try run(arguments)
        guard chmod(key, 0o600) == 0 else { throw DemoError("\(key) cannot be made private.") }
    }

    private func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw DemoError("\(program) made no certificate (it has to be version 3 or later): \(text.suffix(300))")
        }
    }
}

import Plan
import TLS
import Telemetry
import Wire

// What is kept of connections that never became a request.
extension Worker {
    /// A connection that no chain takes.
    func recordConnection(_ client: Client, flags: ResponseFlags, details: StaticString) {
        guard logsAccess else { return }
        writeConnectionLine(client, flags: flags, details: details, reason: "")
    }

    /// A client's handshake that failed.
    func recordHandshakeFault(_ client: Client, _ fault: TLSFault, detail: String) {
        guard logsAccess else { return }
        var reason = "\(fault.label): \(fault.sentence)"
        if !detail.isEmpty { reason += " (\(detail))" }
        writeConnectionLine(client, flags: .downstreamProtocol, details: "tls_handshake_failed", reason: reason)
    }
}

import Clusters
import Routing
import TLS
import Telemetry
import Wire

/// Istio's default text format, 22 values in order, and a 23rd where the client's certificate was verified: whom it names.
extension Worker {
    /// Formats the exchange's line and gives it to the writer.
    func writeAccessLine(_ exchange: Exchange, flags: ResponseFlags, durationMilliseconds: UInt64) {
        writeLine { line in
            appendRequest(exchange, to: &line)
            appendOutcome(exchange, flags, durationMilliseconds, to: &line)
            appendPeers(exchange, to: &line)
            appendIdentity(exchange.downstream?.client, to: &line)
        }
    }

    /// The line of a connection that never became a request. `reason`: why the transport failed, where it did.
    func writeConnectionLine(_ client: Client, flags: ResponseFlags, details: StaticString, reason: String) {
        writeLine { line in
            line.append("[")
            appendTime(loop.realtimeMilliseconds, to: &line)
            line.append("] \"- - -\" 0 ")
            line.append(flags)
            line.append(" ")
            line.append(details)
            line.append(" - \"")
            var reason = reason.isEmpty ? "-" : reason
            reason.withUTF8 { line.appendQuotable(UnsafeRawBufferPointer($0)) }
            line.append("\" 0 0 0 - \"-\" \"-\" \"-\" \"")
            if let name = client.facts.serverName {
                var name = name
                name.withUTF8 { line.appendQuotable(UnsafeRawBufferPointer($0)) }
            } else {
                line.append("-")
            }
            line.append("\" \"-\" - - ")
            line.append(client.localText)
            line.append(" ")
            line.append(client.remoteText)
            line.append(" ")
            appendServerName(client, to: &line)
            line.append(" -")
        }
    }

    /// Gives the writer a line that `format` puts together.
    private func writeLine(_ format: (inout TextWriter) -> Void) {
        // The last byte is the line's end, also of one that was cut.
        var line = TextWriter(UnsafeMutableRawBufferPointer(rebasing: logLine[..<(logLine.count - 1)]))
        format(&line)
        logLine[line.count] = UInt8(ascii: "\n")
        put(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(logLine)[...line.count]))
    }

    private func appendIdentity(_ client: Client?, to line: inout TextWriter) {
        guard var name = client?.peerName else { return }
        line.append(" \"")
        name.withUTF8 { line.appendQuotable(UnsafeRawBufferPointer($0)) }
        line.append("\"")
    }

    private func appendServerName(_ client: Client?, to line: inout TextWriter) {
        guard var name = client?.facts.serverName else { return line.append("-") }
        name.withUTF8 { line.append(UnsafeRawBufferPointer($0)) }
    }

    private func appendRequest(_ exchange: Exchange, to line: inout TextWriter) {
        let head = exchange.requestHead
        line.append("[")
        appendTime(
            loop.realtimeMilliseconds &- (loop.nowNanoseconds &- exchange.startedNanoseconds) / 1_000_000, to: &line)
        if exchange.isTCP { return line.append("] \"- - -\" ") }
        line.append("] \"")
        line.append(head.bytes(head.methodSlice))
        line.append(" ")
        if head.method == .connect || head.path.isEmpty {
            line.append("-")
        } else if let original = head.firstIndex(named: AccessFields.originalPath) {
            line.appendQuotable(head.bytes(head.fields[original].value))
        } else {
            line.appendQuotable(head.bytes(head.path))
        }
        if head.isHTTP2 { return line.append(" HTTP/2\" ") }
        line.append(head.minorVersion == 0 ? " HTTP/1.0\" " : " HTTP/1.1\" ")
    }

    private func appendOutcome(
        _ exchange: Exchange, _ flags: ResponseFlags, _ duration: UInt64, to line: inout TextWriter
    ) {
        line.append(decimal: UInt64(exchange.status))
        line.append(" ")
        line.append(flags)
        line.append(" ")
        line.append(exchange.details)
        line.append(" - \"")
        if let fault = exchange.upstreamTLSFault {
            line.append(fault.label)
            line.append(": ")
            line.append(fault.sentence)
        } else {
            line.append("-")
        }
        line.append("\" ")
        line.append(decimal: exchange.bytesReceived)
        line.append(" ")
        line.append(decimal: exchange.bytesSent)
        line.append(" ")
        line.append(decimal: duration)
        line.append(" ")
        if exchange.upstreamServiceMilliseconds >= 0 {
            line.append(decimal: UInt64(exchange.upstreamServiceMilliseconds))
        } else {
            line.append("-")
        }
    }

    private func appendPeers(_ exchange: Exchange, to line: inout TextWriter) {
        let head = exchange.requestHead
        for field in [FieldName.xForwardedFor, .userAgent, .xRequestID] {
            line.append(" \"")
            if let value = head.value(of: field) { line.appendQuotable(head.bytes(value)) } else { line.append("-") }
            line.append("\"")
        }
        line.append(" \"")
        if head.authority.isEmpty { line.append("-") } else { line.appendQuotable(head.bytes(head.authority)) }
        line.append("\" \"")
        let clusters = exchange.use?.clusters
        if exchange.lastEndpoint >= 0, let clusters {
            line.append(clusters.addressBytes(of: exchange.lastEndpoint))
        } else {
            line.append("-")
        }
        line.append("\" ")
        if exchange.clusterIndex >= 0, let clusters {
            line.append(clusters.nameBytes(of: exchange.clusterIndex))
        } else {
            line.append(exchange.clusterIndex == -2 ? "PassthroughCluster" : "-")
        }
        line.append(" - ")
        line.append(exchange.downstream?.client.localText ?? Self.dash)
        line.append(" ")
        line.append(exchange.downstream?.client.remoteText ?? Self.dash)
        line.append(" ")
        appendServerName(exchange.downstream?.client, to: &line)
        line.append(" ")
        if exchange.isTCP {
            line.append("-")
        } else if exchange.decision.route >= 0, let routes = exchange.use?.routes {
            let name = routes.routeNameBytes(exchange.decision.route)
            if name.isEmpty { line.append("default") } else { line.append(name) }
        } else {
            line.append("-")
        }
    }

    static var dash: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: dashText.utf8Start, count: 1) }
    private static let dashText: StaticString = "-"

    /// `YYYY-MM-DDTHH:MM:SS.mmmZ` of milliseconds since 1970.
    private func appendTime(_ milliseconds: UInt64, to line: inout TextWriter) {
        let time = CalendarTime(milliseconds: milliseconds)
        line.append(UInt64(time.year), width: 4)
        line.append("-")
        line.append(UInt64(time.month), width: 2)
        line.append("-")
        line.append(UInt64(time.day), width: 2)
        line.append("T")
        line.append(UInt64(time.hour), width: 2)
        line.append(":")
        line.append(UInt64(time.minute), width: 2)
        line.append(":")
        line.append(UInt64(time.second), width: 2)
        line.append(".")
        line.append(milliseconds % 1000, width: 3)
        line.append("Z")
    }
}

private enum AccessFields {
    private static let originalPathText: StaticString = "x-envoy-original-path"
    static var originalPath: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: originalPathText.utf8Start, count: originalPathText.utf8CodeUnitCount)
    }
}

extension TextWriter {
    /// A peer's bytes between quotes: what would end the quotes or the line is written as `\xNN`.
    mutating func appendQuotable(_ bytes: UnsafeRawBufferPointer) {
        var start = 0
        for (index, byte) in bytes.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5C || byte >= 0x7F {
            append(UnsafeRawBufferPointer(rebasing: bytes[start..<index]))
            append("\\x")
            append(byte: Self.hex(byte >> 4))
            append(byte: Self.hex(byte & 15))
            start = index + 1
        }
        append(UnsafeRawBufferPointer(rebasing: bytes[start...]))
    }

    private static func hex(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10
    }

    /// The flags' short names.
    mutating func append(_ flags: ResponseFlags) {
        if flags.isEmpty { return append("-") }
        var text = flags.text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }
}

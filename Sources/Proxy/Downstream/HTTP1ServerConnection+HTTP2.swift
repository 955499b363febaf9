import HTTP1
import HTTP2
import TLS
import Telemetry
import Wire

// A client that turns out to speak HTTP/2: by the preface, or by asking for `h2c`.
extension HTTP1ServerConnection {
    /// Whether the first bytes are HTTP/2's preface, or may become it: they stay for the connection that takes over.
    func speaksHTTP2(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 1, bytes[1] == UInt8(ascii: "R") else { return false }
        switch PlainBytes.inspect(bytes) {
        case .http2Preface:
            successor = HTTP2ServerConnection(worker: worker, fd: fd, client: client)
            return true
        case .needMore:
            guard bytes.count > 3, bytes[2] == UInt8(ascii: "I") else { return false }
            if headSince == 0 {
                headSince = worker.loop.now
                armDeadline()
            }
            return true
        case .http1, .other: return false
        }
    }

    /// Whether the first line names a version of HTTP, right or wrong.
    func isHTTP1(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
        guard let space = line.lastIndex(of: 0x20) else { return false }
        return line[(space + 1)...].starts(with: "HTTP".utf8)
    }

    /// Answers a request that asks for `h2c` (RFC 7540 section 3.2) with 101 and goes on in HTTP/2, where the request is stream 1. A
    /// request with a body, under TLS, or whose Connection field does not name both fields stays HTTP/1.1, and so do those that
    /// nghttp2 refuses: the fields concern this connection only and go no further.
    func changesToHTTP2(_ framing: BodyFraming) -> Bool {
        let head = worker.requestHead
        guard tls == nil, framing == .none, !worker.isDraining, let asked = HopByHop.upgrade(head),
            asked.count == 3,
            equalIgnoringCase(UnsafePointer(head.storage + asked.start), Self.h2c.utf8Start, count: 3),
            let position = head.firstIndex(of: .http2Settings), nominatesSettings(head)
        else { return false }
        for index in (position + 1)..<max(head.fieldCount, position + 1) where head.fields[index].id == .http2Settings {
            return false
        }
        let next = HTTP2ServerConnection(worker: worker, fd: fd, client: client)
        guard next.session.upgrade(settings: head.bytes(head.fields[position].value), isHead: head.method == .head)
        else { return false }
        let running = worker.takeExchange()
        swap(&running.requestHead, &worker.requestHead)
        HopByHop.strip(running.requestHead)
        running.requestHead.isHTTP2 = true
        next.upgraded = running
        successor = next
        let answer = Self.switching
        write(UnsafeRawBufferPointer(start: answer.utf8Start, count: answer.utf8CodeUnitCount))
        flush()
        return true
    }

    private func nominatesSettings(_ head: Head) -> Bool {
        for index in 0..<head.fieldCount where head.fields[index].id == .connection {
            if HopByHop.contains(head.fields[index].value, "http2-settings", in: head) { return true }
        }
        return false
    }

    private static let h2c: StaticString = "h2c"
    private static let switching: StaticString =
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n"

    /// Hands the socket over, if the protocol changed in this turn.
    func handOver() {
        guard let next = successor, !isClosed else { return }
        successor = nil
        if writeFailed {
            // Its request never began.
            if let running = next.upgraded { worker.give(running) }
            return end()
        }
        worker.replace(self, with: next)
    }
}

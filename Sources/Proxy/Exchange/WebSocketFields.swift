import HTTP1
import TLS
import Wire

/// What a WebSocket's handshake needs where one side speaks HTTP/1.1 and the other HTTP/2, which has no key and no answer to it
/// (RFC 8441 section 5).
enum WebSocketFields {
    static var accept: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: acceptText.utf8Start, count: acceptText.utf8CodeUnitCount)
    }
    private static let acceptText: StaticString = "sec-websocket-accept"
    private static let protocolText: StaticString = "websocket"

    /// Gives a request that came without a key one, for an endpoint that speaks HTTP/1.1.
    static func addKey(to head: Head, random: () -> UInt64) {
        guard !head.connectProtocol.isEmpty, head.value(of: .secWebSocketKey) == nil else { return }
        let bytes = head.bytes(head.connectProtocol)
        guard bytes.count == protocolText.utf8CodeUnitCount,
            equalIgnoringCase(
                UnsafePointer(head.storage + head.connectProtocol.start), protocolText.utf8Start, count: bytes.count)
        else { return }
        let words = (random(), random())
        let key = withUnsafeBytes(of: words) { Digest.base64(Array($0)) }
        head.setField(.secWebSocketKey, value: head.append(key))
    }

    /// Answers the key of a client that speaks HTTP/1.1, where the endpoint spoke HTTP/2 and did not.
    static func addAccept(to answer: Head, request: Head) {
        guard request.connectProtocol.isEmpty, let key = request.value(of: .secWebSocketKey),
            answer.firstIndex(named: accept) == nil
        else { return }
        let text = Array(request.bytes(key)) + Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)
        let name = answer.append(acceptText)
        answer.appendField(name: name, value: answer.append(Digest.base64(Digest.sha1(text))), id: .other)
        if let asked = request.value(of: .upgrade) {
            answer.setField(.upgrade, value: answer.append(request.bytes(asked)))
        }
    }
}

import HTTP1
import Wire

/// What a WebSocket's handshake needs where one side speaks HTTP/1.1 and the other HTTP/2, which has no key and no answer to it
/// (RFC 8441 section 5).
enum WebSocketFields {
    static var accept: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: acceptText.utf8Start, count: acceptText.utf8CodeUnitCount)
    }
    static let acceptText: StaticString = "sec-websocket-accept"

    /// Completes the 101 that an HTTP/2 endpoint's 200 came to. The accept field is the exchange's to add: it knows the key.
    static func fillAnswer(_ head: Head) {
        head.reason = .empty
        head.removeAll(.contentLength)
    }
}

/// An error code of HTTP/2 (RFC 9113 section 7), known or not.
package struct HTTP2Code: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let noError = HTTP2Code(rawValue: 0x0)
    package static let protocolError = HTTP2Code(rawValue: 0x1)
    package static let internalError = HTTP2Code(rawValue: 0x2)
    package static let flowControlError = HTTP2Code(rawValue: 0x3)
    package static let streamClosed = HTTP2Code(rawValue: 0x5)
    package static let frameSizeError = HTTP2Code(rawValue: 0x6)
    package static let refusedStream = HTTP2Code(rawValue: 0x7)
    package static let cancel = HTTP2Code(rawValue: 0x8)
    package static let compressionError = HTTP2Code(rawValue: 0x9)
    package static let connectError = HTTP2Code(rawValue: 0xA)
    package static let enhanceYourCalm = HTTP2Code(rawValue: 0xB)
    package static let inadequateSecurity = HTTP2Code(rawValue: 0xC)
    package static let http11Required = HTTP2Code(rawValue: 0xD)
}

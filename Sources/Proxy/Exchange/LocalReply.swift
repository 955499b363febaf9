import HTTP1
import Wire

/// Answers that the proxy makes itself, in the reference's words (section 6.7): text/plain, or nothing at all.
enum LocalReply {
    /// Fills `head` with a status and the fields of a body of `length` bytes; 0: no body, and no content-type.
    static func fill(_ head: Head, status: Int, bodyBytes length: Int) {
        head.reset()
        head.status = UInt16(status)
        head.reason = head.append(StatusReason.of(status))
        if length > 0 {
            head.appendField(.contentLength, value: appendNumber(UInt64(length), to: head))
            head.appendField(.contentType, value: head.append("text/plain"))
        }
    }

    /// Writes a whole refusal for a request that never became an exchange: one line of text, and the connection closes.
    static func writeRefusal(status: Int, sentence: StaticString, to out: Buffer) {
        append("HTTP/1.1 ", out)
        appendDecimal(UInt64(status), out)
        append(" ", out)
        append(StatusReason.of(status), out)
        append("\r\ncontent-type: text/plain\r\ncontent-length: ", out)
        appendDecimal(UInt64(sentence.utf8CodeUnitCount) + 1, out)
        append("\r\nconnection: close\r\n\r\n", out)
        append(sentence, out)
        append("\n", out)
    }

    private static func append(_ text: StaticString, _ out: Buffer) {
        _ = out.append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private static func appendDecimal(_ number: UInt64, _ out: Buffer) {
        withDecimal(number) { _ = out.append($0) }
    }

    /// Appends a number's digits to a head's storage.
    static func appendNumber(_ number: UInt64, to head: Head) -> Slice {
        var slice = Slice.empty
        withDecimal(number) { slice = head.append($0) }
        return slice
    }

    /// The digits of a number, without a string.
    static func withDecimal(_ number: UInt64, _ body: (UnsafeRawBufferPointer) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var position = 20
            var rest = number
            repeat {
                position -= 1
                digits[position] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            body(UnsafeRawBufferPointer(rebasing: digits[position...]))
        }
    }
}

import HTTP1
import Wire

/// Answers that the proxy makes itself, in Envoy's words: text/plain, or nothing at all.
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
        var text = TextWriter(out.writable)
        text.append("HTTP/1.1 ")
        text.append(decimal: UInt64(status))
        text.append(" ")
        text.append(StatusReason.of(status))
        text.append("\r\ncontent-type: text/plain\r\ncontent-length: ")
        text.append(decimal: UInt64(sentence.utf8CodeUnitCount) + 1)
        text.append("\r\nconnection: close\r\n\r\n")
        text.append(sentence)
        text.append("\n")
        out.end += text.count
    }

    /// Appends a number's digits to a head's storage.
    static func appendNumber(_ number: UInt64, to head: Head) -> Slice {
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { memory in
            var digits = TextWriter(memory)
            digits.append(decimal: number)
            return head.append(digits.bytes)
        }
    }
}

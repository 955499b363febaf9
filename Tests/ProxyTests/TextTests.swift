import Testing
import Wire

@testable import Proxy

@Suite("Dates and log text")
struct TextTests {
    @Test("A date is written as RFC 9110 wants it, in leap years and at a century's end too")
    func dates() {
        var date = HTTPDate()
        defer { date.free() }
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (1_767_225_599, "Wed, 31 Dec 2025 23:59:59 GMT"),
        ] as [(UInt64, String)] {
            let bytes = date.text(realtimeMilliseconds: seconds * 1000 + 999)
            #expect(String(decoding: bytes, as: UTF8.self) == text)
        }
    }

    @Test("A peer's bytes cannot end a log line or its quotes")
    func quoting() {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 1)
        defer { memory.deallocate() }
        var writer = TextWriter(memory)
        let hostile: [UInt8] = Array("a\"b\\c\r\n".utf8) + [0, 0x1B, 0x7F, 0xFF]
        hostile.withUnsafeBytes { writer.appendQuotable($0) }
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"a\x22b\x5Cc\x0D\x0A\x00\x1B\x7F\xFF"#)
    }

    @Test("What does not fit is left out")
    func cut() {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 5, alignment: 1)
        defer { memory.deallocate() }
        var writer = TextWriter(memory)
        writer.append("abcdefgh")
        writer.append(byte: 1)
        writer.append(decimal: 17)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "abcde")
    }
}

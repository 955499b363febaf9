import Testing

@testable import Proxy

struct RequestIDTests {
    private func text(_ first: UInt64, _ second: UInt64) -> String {
        let bytes = [UInt8](unsafeUninitializedCapacity: RequestID.bytes) { buffer, count in
            RequestID.write(first, second, to: UnsafeMutableRawBufferPointer(buffer))
            count = RequestID.bytes
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `digits stand in the order of the words, and version and variant in their places`() {
        #expect(text(0x0123_4567_89AB_CDEF, 0x0123_4567_89AB_CDEF) == "01234567-89ab-4def-8123-456789abcdef")
        #expect(text(0, 0) == "00000000-0000-4000-8000-000000000000")
        #expect(text(.max, .max) == "ffffffff-ffff-4fff-bfff-ffffffffffff")
    }
}

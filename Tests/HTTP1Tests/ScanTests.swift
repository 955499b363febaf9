import HTTP1
import Testing
import Wire

@Suite struct ScanTests {
    @Test("each SIMD search says what its scalar twin says")
    func twins() {
        let classes = ByteClass.table
        var numbers = SeededNumbers(state: 1)
        for _ in 0..<400 {
            // Mostly letters, so that runs are longer than a block; sometimes anything.
            let bytes = (0..<Int.random(in: 0...70, using: &numbers)).map { _ in
                UInt8.random(in: 0..<30, using: &numbers) == 0 ? UInt8.random(in: 0...255, using: &numbers) : 0x61
            }
            bytes.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                let limit = bytes.count
                for start in 0...min(limit, 20) {
                    #expect(
                        Scan.valueEnd(base, from: start, limit: limit, classes: classes)
                            == Scan.valueEndScalar(base, from: start, limit: limit, classes: classes))
                    #expect(
                        Scan.targetEnd(base, from: start, limit: limit, classes: classes)
                            == Scan.targetEndScalar(base, from: start, limit: limit, classes: classes))
                    #expect(
                        Scan.lineFeed(base, from: start, limit: limit)
                            == Scan.lineFeedScalar(base, from: start, limit: limit))
                }
            }
        }
    }

    @Test("each byte is judged alike at each place of a block", arguments: 0...255)
    func everyByte(byte: Int) {
        let classes = ByteClass.table
        for position in 0..<33 {
            var bytes = [UInt8](repeating: 0x61, count: 33)
            bytes[position] = UInt8(byte)
            let isValue = byte == 0x09 || (byte >= 0x20 && byte != 0x7F)
            let isTarget = byte > 0x20 && byte < 0x7F
            let found = bytes.withUnsafeBufferPointer { buffer in
                (
                    Scan.valueEnd(buffer.baseAddress!, from: 0, limit: 33, classes: classes),
                    Scan.targetEnd(buffer.baseAddress!, from: 0, limit: 33, classes: classes)
                )
            }
            guard found == (isValue ? 33 : position, isTarget ? 33 : position) else {
                Issue.record("byte \(byte) at \(position): \(found)")
                return
            }
        }
    }

    @Test("the end of a head is found, and only there")
    func headEnd() {
        let end = { (text: String) in
            Array(text.utf8).withUnsafeBufferPointer { Scan.headEnd($0.baseAddress!, limit: $0.count) }
        }
        #expect(end("a\r\n\r\n") == .at(5))
        #expect(end("a\r\n\r\nb") == .at(5))
        #expect(end("a\r\nb\r\n\r\nc\n") == .at(8))
        #expect(end("a\r\n\r") == .missing)
        #expect(end("a\r\n") == .missing)
        #expect(end("a\nb\r\n\r\nc") == .bareLineFeed)
        #expect(end("\n") == .bareLineFeed)
    }
}

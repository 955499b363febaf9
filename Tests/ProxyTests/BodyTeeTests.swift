import Testing
import Wire

@testable import Proxy

@Suite("The body's list of chunks")
struct BodyTeeTests {
    private let pool = BufferPool()

    private func append(_ tee: BodyTee, _ bytes: [UInt8]) { bytes.withUnsafeBytes { tee.append($0) } }

    private func readAll(_ tee: BodyTee, _ reader: Int) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let piece = tee.piece(reader)
            if piece.isEmpty { return all }
            all += piece
            tee.advance(reader, by: piece.count)
        }
    }

    @Test("Each reader gets every byte at its own pace, and what all have read is given back")
    func readers() {
        let tee = BodyTee(pool: pool)
        let fast = tee.addReader()
        let slow = tee.addReader()
        let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var got: [UInt8] = []
        for start in stride(from: 0, to: body.count, by: 1000) {
            append(tee, Array(body[start..<(start + 1000)]))
            got += readAll(tee, fast)
        }
        #expect(got == body)
        #expect(tee.lag(fast) == 0)
        #expect(tee.lag(slow) == body.count)
        #expect(tee.count == body.count)
        #expect(readAll(tee, slow) == body)
        append(tee, [1])
        #expect(readAll(tee, fast) == [1] && readAll(tee, slow) == [1])
        #expect(pool.bytesOut <= Limits.bufferBytes)
    }

    @Test("A reader that holds the start can be sent back to it; one that leaves holds nothing")
    func rewind() {
        let tee = BodyTee(pool: pool)
        let primary = tee.addReader()
        let replay = tee.addReader()
        let body = [UInt8](repeating: 9, count: 50_000)
        append(tee, body)
        #expect(readAll(tee, primary).count == 50_000)
        tee.rewind(primary)
        #expect(readAll(tee, primary) == body)
        tee.removeReader(replay)
        #expect(tee.count < Limits.bufferBytes)
        tee.removeReader(primary)
        append(tee, body)
        #expect(tee.count < 2 * Limits.bufferBytes)
    }

    @Test("A list that ends gives back all its buffers")
    func ends() {
        do {
            let tee = BodyTee(pool: pool)
            _ = tee.addReader()
            append(tee, [UInt8](repeating: 1, count: 40_000))
            #expect(pool.bytesOut >= 40_000)
        }
        #expect(pool.bytesOut == 0)
    }
}

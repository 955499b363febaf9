import Testing

@testable import Routing

struct WordsTests {
    private func random(_ count: Int, _ random: inout SplitMix) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    @Test("A word is its bytes, zeros above the end, at every length and position")
    func words() {
        var generator = SplitMix(seed: 1)
        for count in 0..<40 {
            let bytes = random(count, &generator)
            bytes.withUnsafeBytes { raw in
                for index in 0...count {
                    let expected = bytes[index...].prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                    #expect(word(raw, at: index) == expected)
                }
            }
        }
    }

    @Test("Lowering a word lowers each of its bytes")
    func lowering() {
        for byte in UInt8.min ... .max {
            let word = 0x4100_5B5A_40DA_FF00 | UInt64(byte)
            let expected = (0..<8).reduce(UInt64(0)) {
                $0 | UInt64(lowered(UInt8(truncatingIfNeeded: word >> ($1 * 8)))) << ($1 * 8)
            }
            #expect(lowered(word) == expected)
        }
    }

    @Test("The first of two bytes is found wherever it stands, a zero byte too")
    func search() {
        var generator = SplitMix(seed: 2)
        for _ in 0..<3000 {
            let bytes = random(generator.below(30), &generator).map { $0 & 0x83 }
            let (first, second) = (UInt8(generator.below(4)), UInt8(0x80 + generator.below(4)))
            let start = generator.below(bytes.count + 1)
            let expected = bytes[start...].firstIndex { $0 == first || $0 == second } ?? bytes.count
            bytes.withUnsafeBytes { #expect(firstIndex(of: first, or: second, in: $0, from: start) == expected) }
        }
    }

    @Test("Comparing and hashing without regard to case take capitals for small letters and nothing else")
    func caseless() {
        for count in 0..<30 {
            let small = (0..<count).map { UInt8(0x61 + $0 % 26) }
            let large = small.map { $0 - 0x20 }
            small.withUnsafeBytes { small in
                large.withUnsafeBytes { large in
                    #expect(beginsIgnoringCase(large, small))
                    let hash = WordHash.of(small, seed: 5, ignoringCase: false)
                    #expect(WordHash.of(large, seed: 5, ignoringCase: true) == hash)
                    if count > 0 { #expect(WordHash.of(large, seed: 5, ignoringCase: false) != hash) }
                }
            }
        }
        let at = Array("@[`{".utf8)
        let other = Array("`{@[".utf8)
        at.withUnsafeBytes { at in other.withUnsafeBytes { #expect(!beginsIgnoringCase(at, $0)) } }
    }
}

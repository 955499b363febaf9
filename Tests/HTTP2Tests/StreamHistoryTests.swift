import Testing

@testable import HTTP2

@Suite struct StreamHistoryTests {
    @Test func `a stream that was opened and is gone has ended`() {
        var history = StreamHistory()
        history.open(1)
        history.open(3)
        #expect(history.judge(1) == .ended)
        #expect(history.judge(3) == .ended)
    }

    @Test func `a number that was passed over was never opened`() {
        var history = StreamHistory()
        history.open(1)
        history.open(7)
        #expect(history.judge(3) == .passedOver)
        #expect(history.judge(5) == .passedOver)
        #expect(history.judge(7) == .ended)
    }

    @Test func `frames for a stream that we reset are passed over in silence`() {
        var history = StreamHistory()
        for id in stride(from: UInt32(1), through: 19, by: 2) { history.open(id) }
        history.reset(11)
        #expect(history.judge(11) == .fine)
        #expect(history.judge(13) == .ended)
    }

    @Test func `what is too old to be remembered is passed over`() {
        var history = StreamHistory()
        for id in stride(from: UInt32(1), through: 401, by: 2) { history.open(id) }
        #expect(history.judge(401 - 2 * 63) == .ended)
        #expect(history.judge(401 - 2 * 64) == .fine)
        for id in stride(from: UInt32(281), through: 345, by: 2) { history.reset(id) }
        #expect(history.judge(281) == .fine, "the first reset was forgotten, and may still be under way")
    }
}

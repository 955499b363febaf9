import Testing

@testable import Proxy

@Suite("Streams by their numbers")
struct StreamMapTests {
    // The bug: `unowned(unsafe) var call: UpstreamCall?` in the streams of an endpoint's connection. In unoptimised code a stream
    // that is not there was taken for one, and a connection that ended without streams looped over them for ever.
    @Test("A connection to an endpoint without streams has none")
    func nilIsNoStream() {
        var streams = StreamMap<HTTP2ClientConnection.Stream>()
        streams[1] = nil
        let found = (0..<16).compactMap { streams[$0] }
        var passes = 0
        for _ in found {
            passes += 1
            if passes > 16 { break }
        }
        #expect(found.isEmpty && passes == 0)
        #expect(streams[1] == nil && streams.all.isEmpty && streams.count == 0)
    }

    @Test("Streams are found until they are removed, however many there are")
    func many() {
        var streams = StreamMap<Int>()
        for id in 0..<500 as Range<UInt32> { streams[2 * id + 1] = Int(id) }
        for id in stride(from: 0, to: 500, by: 2) as StrideTo<UInt32> { streams[2 * id + 1] = nil }
        #expect(streams.count == 250 && streams.all.count == 250)
        for id in 0..<500 as Range<UInt32> { #expect(streams[2 * id + 1] == (id % 2 == 0 ? nil : Int(id))) }
    }
}

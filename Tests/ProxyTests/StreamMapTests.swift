import Testing

@testable import Proxy

@Suite struct StreamMapTests {
    @Test func `streams are found after others were removed, as in a dictionary`() {
        var map = StreamMap<Int>()
        var model: [UInt32: Int] = [:]
        var state: UInt64 = 42
        for step in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let key = UInt32(truncatingIfNeeded: state >> 40) % 400 * 2 + 1
            switch state >> 33 & 3 {
            case 0:
                map[key] = nil
                model[key] = nil
            case 1:
                map.update(key) { $0 += 1 }
                if let old = model[key] { model[key] = old + 1 }
            default:
                map[key] = step
                model[key] = step
            }
            #expect(map[key] == model[key])
        }
        #expect(map.count == model.count)
        #expect(Set(map.all) == Set(model.keys))
        for (key, value) in model { #expect(map[key] == value) }
    }
}

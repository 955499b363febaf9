import Testing

@testable import Demo

@Suite struct BinomialBandTests {
    @Test("A fair coin's band for 1000 tosses is what the exact distribution says")
    func fairCoin() {
        let band = BinomialBand(draws: 1000, probability: 0.5)
        // Tails of 5e-7 each lie 4.9 standard deviations of 15.8 from 500.
        #expect(band.lowest == 423)
        #expect(band.highest == 577)
    }

    @Test("The certain and the impossible have no width")
    func certain() {
        #expect(BinomialBand(draws: 50, probability: 1) == BinomialBand(draws: 50, probability: 2))
        #expect(BinomialBand(draws: 50, probability: 1).lowest == 50)
        #expect(BinomialBand(draws: 50, probability: 0).highest == 0)
        #expect(BinomialBand(draws: 0, probability: 0.5).highest == 0)
    }

    @Test("Few draws allow everything that is not one in a million", arguments: [1, 2, 10, 19])
    func fewDraws(draws: Int) {
        let band = BinomialBand(draws: draws, probability: 0.5)
        #expect(band.lowest == 0)
        #expect(band.highest == draws)
    }

    @Test("A tenth of a hundred thousand is found in a narrow band")
    func manyDraws() {
        let band = BinomialBand(draws: 100_000, probability: 0.1)
        #expect(band.contains(10_000))
        #expect(band.lowest > 9_500 && band.highest < 10_500)
    }
}

import Metering
import Testing

@Suite struct TelegramTests {
    @Test func checksumIsCRC16ARC() {
        #expect(CRC16.checksum(of: Array("123456789".utf8)) == 0xBB3D)
        #expect(CRC16.checksum(of: []) == 0)
        let long = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        let slow = long.reduce(UInt16(0)) { checksum, byte in
            (0..<8).reduce(checksum ^ UInt16(byte)) { value, _ in
                value & 1 == 1 ? value >> 1 ^ 0xA001 : value >> 1
            }
        }
        #expect(CRC16.checksum(of: long) == slow)
    }

    @Test func everyValueOfVersion5() throws {
        let (readings, faults) = read(message(Telegrams.whole(Telegrams.version5)))
        let reading = try #require(readings.first)
        #expect(faults.isEmpty && readings.count == 1)
        #expect(reading.version == 50)
        #expect(reading.check == .checksum)
        // 2021-03-14T14:09:26Z: what the message tells is of no importance.
        #expect(reading.seconds == 1_615_730_966)
        #expect(reading.meter != 0)
        #expect(reading.tariff == 2)
        #expect(reading.powerImported == 494)
        #expect(reading.powerExported == 1250)
        #expect(reading.voltages == [2201, 2202, 2203, -1])
        #expect(reading.counters[.imported] == nil)
        #expect(reading.counters[.importedTariff1] == 1_234_567)
        #expect(reading.counters[.importedTariff2] == 2_345_678)
        #expect(reading.counters[.exported] == nil)
        #expect(reading.counters[.exportedTariff1] == 12_345)
        #expect(reading.counters[.exportedTariff2] == 23_456)
        #expect(reading.counters[.gas] == 12_785_123)
        #expect(reading.counters[.water] == 872_234)
        #expect(reading.gas?.seconds == 1_615_730_700)
        #expect(reading.water?.seconds == 1_615_730_400)
        #expect(reading.gas?.meter != reading.water?.meter)
    }

    /// Version 4.x differs in the number alone, for what is read of it.
    @Test func version4TellsItself() throws {
        let body = Telegrams.version5.replacing("0.2.8(50)", with: "0.2.8(42)")
            .replacing("1-0:32.7.0(220.1*V)\r\n", with: "")
        let (readings, _) = read(message(Telegrams.whole(body)))
        let reading = try #require(readings.first)
        #expect(reading.version == 42)
        #expect(reading.voltages == [-1, 2202, 2203, -1])
        #expect(reading.check == .checksum)
    }

    @Test func version2TakesTheMessagesTime() throws {
        let (readings, faults) = read(message(Telegrams.version2))
        let reading = try #require(readings.first)
        #expect(faults.isEmpty)
        #expect(reading.version == nil)
        #expect(reading.check == .none)
        #expect(reading.seconds == 1_615_730_966)
        #expect(reading.powerImported == 1190)
        #expect(reading.counters[.importedTariff1] == 12_345_678)
        #expect(reading.counters[.exportedTariff2] == 2_002)
        #expect(reading.counters[.gas] == 101_328)
        #expect(reading.gas?.seconds == 1_615_730_400)
        #expect(read(message(Telegrams.version2, timestamp: "null")).faults == [.noTime])
        #expect(read(message(Telegrams.version2, timestamp: "17")).faults == [.noTime])
        #expect(read(Telegrams.version2).faults == [.noTime])
    }

    @Test func belgianTelegrams() throws {
        let (readings, faults) = read(message(Telegrams.whole(Telegrams.belgian)))
        let reading = try #require(readings.first)
        #expect(faults.isEmpty)
        #expect(reading.version == 50)
        #expect(reading.seconds == 1_589_284_449)
        #expect(reading.counters[.importedTariff2] == 15_758)
        #expect(reading.counters[.gas] == 112_384)
        #expect(reading.counters[.water] == 872_234)
        #expect(reading.voltages[0] == 2347)
    }

    @Test func whatADeviceSplitsAtTheExclamationMark() throws {
        for checksum in ["9C35", "C35", "0", ""] {
            let (readings, faults) = read(
                message(Telegrams.split(Telegrams.version5, after: checksum)))
            #expect(faults.isEmpty)
            #expect(readings.count == 1)
            #expect(readings.first?.check == Reading.Check.none)
            #expect(readings.first?.counters[.water] == 872_234)
        }
        // Of the first message of a device, the beginning is anything.
        let first = read(message("0-1:24.4.0(1)\r\n" + Telegrams.version5.dropLast()))
        #expect(first.faults == [.cut])
    }

    @Test func aTelegramAsItIs() {
        #expect(read(Telegrams.whole(Telegrams.version5)).readings.count == 1)
    }

    @Test func zerosOfTheChecksumMayBeMissing() throws {
        // Its power is varied until the checksum begins with a zero.
        let body = try #require(
            (0..<200).map { number in
                Telegrams.small(
                    time: "210314150926W", power: "00.\(number + 100)")
            }.first { CRC16.checksum(of: Array($0.utf8)) < 0x1000 })
        let whole = Telegrams.whole(body)
        let short = whole.replacing("!0", with: "!")
        #expect(short != whole)
        for text in [whole, short, whole.lowercasedChecksum] {
            #expect(read(message(text)).readings.first?.check == .checksum)
        }
    }

    @Test func linesMayEndWithOneCharacter() {
        let whole = Telegrams.whole(Telegrams.version5).replacing("\r\n", with: "\n")
        #expect(read(message(whole)).readings.first?.check == .checksum)
        // Made so by the meter, which checks what it made.
        let own = Telegrams.whole(Telegrams.version5.replacing("\r\n", with: "\n"))
        #expect(read(message(own)).readings.first?.check == .checksum)
    }

    @Test func aWrongChecksumIsToldAsDamage() {
        let whole = Telegrams.whole(Telegrams.version5)
        for (old, new) in [("00.494", "00.495"), ("/ISK5", "/ISK6"), ("kWh)\r\n", "kWh)\n ")] {
            #expect(read(message(whole.replacing(old, with: new))).faults == [.damaged])
        }
        #expect(read(message(String(whole.dropLast(4)))).faults == [.damaged])
    }

    @Test func everyCutIsToldOrTheTelegramWasWhole() {
        let whole = Telegrams.whole(Telegrams.version5)
        let bytes = Array(whole.utf8)
        for count in 0..<bytes.count {
            let text = String(decoding: bytes.prefix(count), as: UTF8.self)
            let (readings, faults) = read(message(text))
            if count >= bytes.count - 2 || bytes.prefix(count).last == UInt8(ascii: "!") {
                #expect(readings.count == 1 && faults.isEmpty, "\(count)")
            } else {
                #expect(readings.isEmpty && faults.count == 1, "\(count)")
            }
        }
    }

    /// Cut by a device that splits: nothing vouches for it, so every line has to be whole.
    @Test func aCutInALineIsToldOfWhatHasNoChecksum() {
        let split = Array(Telegrams.split(Telegrams.version5).utf8)
        for count in 0..<split.count where split.prefix(count).last != 0x0A {
            let text = String(decoding: split.prefix(count), as: UTF8.self)
            #expect(read(message(text)).readings.isEmpty, "\(count)")
        }
    }

    @Test func doubledAndMergedTelegrams() {
        let whole = Telegrams.whole(Telegrams.version5)
        let later = Telegrams.whole(Telegrams.small(time: "210314150936W"))
        #expect(read(message(whole + whole)).readings.count == 1)
        let two = read(message(whole + later))
        #expect(two.readings.map(\.seconds) == [1_615_730_966, 1_615_730_976])
        // The first breaks off in the middle, the second is whole.
        let merged = read(message(String(whole.prefix(300)) + "\r\n" + later))
        #expect(merged.faults == [.merged])
        #expect(merged.readings.map(\.seconds) == [1_615_730_976])
        // Without a header between them, and without a checksum.
        let torn =
            Telegrams.split(Telegrams.version5)
            + "1-0:1.8.1(001234.568*kWh)\r\n1-0:1.7.0(00.494*kW)\r\n"
        #expect(read(message(torn)).faults == [.merged])
        let many = read(message(String(repeating: later, count: 9)))
        #expect(many.faults == [.merged])
        #expect(many.readings.count == 1)
    }

    @Test func aMeterThatIsNotConnectedTellsNoValue() throws {
        let body = Telegrams.version5
            .replacing("0-1:24.2.1(210314150500W)", with: "0-1:24.2.1(632525252525W)")
            .replacing("0-2:24.2.1(210314150000W)(00872.234*m3)", with: "0-2:24.2.1()")
        for text in [Telegrams.whole(body), Telegrams.split(body)] {
            let reading = try #require(read(message(text)).readings.first)
            #expect(reading.gas == nil && reading.water == nil)
            #expect(reading.counters[.gas] == nil)
        }
    }

    @Test func ofTwoGasMetersTheOneThatWasReadLastCounts() throws {
        let body = Telegrams.version5.replacing("24.1.0(007)", with: "24.1.0(003)")
        let older = try #require(read(message(Telegrams.whole(body))).readings.first)
        #expect(older.counters[.gas] == 12_785_123)
        let swapped = body.replacing("(210314150000W)", with: "(210314150500W)")
        let newer = try #require(read(message(Telegrams.whole(swapped))).readings.first)
        #expect(newer.counters[.gas] == 872_234)
        #expect(newer.gas?.meter != older.gas?.meter)
    }

    @Test func nothingButValuesMakesAReading() {
        #expect(read(message("/\r\n\r\n!\r\n")).faults == [.damaged])
        #expect(read(message("")).faults == [.cut])
        #expect(read(message("9C35\r\n")).faults == [.cut])
    }
}

extension String {
    /// Of a telegram whose only `!` is the one before its checksum.
    fileprivate var lowercasedChecksum: String {
        let parts = split(separator: "!")
        return "\(parts[0])!\(parts[1].lowercased())"
    }
}

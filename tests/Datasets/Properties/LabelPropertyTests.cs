using CsCheck;
using Tessera.Datasets.Images;
using Tessera.Datasets.Segmentation;
using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Tests.Datasets.Properties;

/// <summary>Label images and the tables that say what their values mean; a failure is shrunk, and its seed is in the message.</summary>
public sealed class LabelPropertyTests
{
    /// <summary>Of each EXIF orientation, the one that undoes it.</summary>
    private static readonly int[] s_undone = [0, 1, 2, 3, 4, 5, 8, 7, 6];

    private static readonly Gen<Image> s_maps = Gen.Select(Gen.Int[1, 30], Gen.Int[1, 30], Gen.Int[1, 256], Gen.ULong)
        .Select(
            (height, width, values, seed) =>
            {
                var (map, random) = (new Image(height, width, 1), new RandomSource(seed));
                foreach (ref var value in map.Bytes.AsSpan())
                    value = (byte)random.Next(values);
                return map;
            }
        );

    /// <summary>A class, or none, for each of up to 40 values, and maybe one for all others.</summary>
    private static readonly Gen<LabelTable> s_tables = Gen.Select(Gen.Int[1, 9], Gen.Int[1, 40], Gen.Bool, Gen.Bool, Gen.ULong)
        .Select(
            (classes, values, byColor, others, seed) =>
            {
                var random = new RandomSource(seed);
                var names = Enumerable.Range(0, classes).Select(c => $"class {c}").ToArray();
                // Each class has a value: a label_map names no class that nothing stands for.
                var entries = Enumerable
                    .Range(0, Math.Max(values, classes))
                    .Select(i => KeyValuePair.Create(Value(i), i < classes ? (byte)i : Index()))
                    .DistinctBy(entry => entry.Key)
                    .ToArray();
                return new LabelTable(names, entries, byColor, others ? Index() : null);

                int Value(int i) =>
                    byColor ? i * 0x01A2B3 & 0xFFFFFF
                    : i < 20 ? i
                    : 300 + 7 * i;
                byte Index() => random.Next(4) == 0 ? LabelTable.Ignore : (byte)random.Next(classes);
            }
        );

    [Fact]
    public void Table_WrittenAsLabelMap_ReadsTheSame() =>
        s_tables.Sample(
            table =>
            {
                var read = new SegmentationFolderOptions("folder", "train")
                {
                    LabelMap = new Dictionary<string, string>(table.AsLabelMap()),
                }.Table();
                return read.Classes.SequenceEqual(table.Classes)
                    && read.ByColor == table.ByColor
                    && Probes(table).All(value => read.Find(value) == table.Find(value));
            },
            iter: 200,
            threads: 1
        );

    [Fact]
    public void Table_Apply_IsFindOfEachPixel() =>
        Gen.Select(s_tables, Gen.Int[1, 12], Gen.Int[1, 12], Gen.ULong)
            .Sample(
                (table, height, width, seed) =>
                {
                    var (values, random) = (table.Entries.Select(entry => entry.Key).ToArray(), new RandomSource(seed));
                    var drawn = Enumerable.Range(0, height * width).Select(_ => values[random.Next(values.Length)]).ToArray();
                    var map = table.Apply(Stored(drawn, height, width, table.ByColor), "labels");
                    return map.Bytes.SequenceEqual(drawn.Select(value => table.Find(value)!.Value));
                },
                iter: 200,
                threads: 1
            );

    [Fact]
    public void Histogram_CountsEachPixel() =>
        s_maps.Sample(
            map =>
                LabelHistogram
                    .Of(map)
                    .Select(count => (count.Key, count.Value))
                    .SequenceEqual(
                        map.Bytes.GroupBy(value => (int)value).OrderBy(group => group.Key).Select(group => (group.Key, (long)group.Count()))
                    ),
            iter: 200,
            threads: 1
        );

    [Fact]
    public void Map_AsPngOfIndices_ReadsTheSame() =>
        Gen.Select(s_maps, Gen.Bool)
            .Sample(
                (map, palette) =>
                {
                    var colors = ClassColors.PaletteBytes(ClassColors.Pascal(255));
                    var read = LabelFile.Decode(ImageCodec.EncodePng(map, palette ? colors : []), "labels.png", byColor: false);
                    return (read.Height, read.Width) == (map.Height, map.Width) && read.Bytes.SequenceEqual(map.Bytes);
                },
                iter: 100,
                threads: 1
            );

    [Fact]
    public void Map_TurnedOrMirrored_AndBack_IsTheStart() =>
        Gen.Select(s_maps, Gen.Int[1, 8])
            .Sample(
                (map, orientation) =>
                {
                    var back = PixelLayout.Orient(PixelLayout.Orient(map, orientation), s_undone[orientation]);
                    return (back.Height, back.Width) == (map.Height, map.Width) && back.Bytes.SequenceEqual(map.Bytes);
                },
                iter: 200,
                threads: 1
            );

    /// <summary>Reading the classes of a turned map is turning the classes of the map, and going back gives the start.</summary>
    [Fact]
    public void Map_RemappedThenTurned_IsTurnedThenRemapped() =>
        Gen.Select(s_maps, Gen.Int[1, 8], Gen.ULong)
            .Sample(
                (map, orientation, seed) =>
                {
                    // Every value means another class: such a table has an inverse. 255 stays ignored.
                    var meant = new RandomSource(seed).Permutation(255);
                    var there = Table([.. meant.Select((index, value) => (value, index))]);
                    var back = Table([.. meant.Select((index, value) => (index, value))]);
                    var first = there.Apply(PixelLayout.Orient(map, orientation), "labels");
                    var second = PixelLayout.Orient(there.Apply(map, "labels"), orientation);
                    var start = PixelLayout.Orient(back.Apply(first, "labels"), s_undone[orientation]);
                    return first.Bytes.SequenceEqual(second.Bytes) && start.Bytes.SequenceEqual(map.Bytes);
                },
                iter: 100,
                threads: 1
            );

    private static LabelTable Table((int Value, int Index)[] entries) =>
        new(
            [.. Enumerable.Range(0, 255).Select(i => $"{i}")],
            [.. entries.Select(entry => KeyValuePair.Create(entry.Value, (byte)entry.Index)), new(255, LabelTable.Ignore)],
            byColor: false
        );

    private static IEnumerable<int> Probes(LabelTable table) =>
        table.Entries.SelectMany(entry => (int[])[entry.Key, entry.Key + 1]).Append(table.ByColor ? 0xFFFFFF : 65535);

    private static Image Stored(int[] values, int height, int width, bool byColor)
    {
        if (byColor)
            return new Image(
                height,
                width,
                3,
                PixelType.UInt8,
                [.. values.SelectMany(value => (byte[])[(byte)(value >> 16), (byte)(value >> 8), (byte)value])]
            );
        var image = new Image(height, width, 1, PixelType.UInt16);
        for (var i = 0; i < values.Length; i++)
            image.Pixels<ushort>()[i] = (ushort)values[i];
        return image;
    }
}

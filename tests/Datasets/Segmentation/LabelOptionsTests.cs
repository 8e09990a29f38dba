using System.ComponentModel.DataAnnotations;
using Tessera.Datasets.Segmentation;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Segmentation;

/// <summary>What label_map, classes and the short forms stand for.</summary>
public class LabelOptionsTests
{
    private static SegmentationFolderOptions Options => new("nowhere");

    private static string Map(LabelOptions options) =>
        string.Join(", ", options.Table().AsLabelMap().Select(entry => $"{entry.Key}: {entry.Value}"));

    private static (string Member, string Text) Mistake(LabelOptions options)
    {
        var result = Assert.Single(options.Validate(new ValidationContext(options)));
        return (Assert.Single(result.MemberNames), result.ErrorMessage!);
    }

    [Fact]
    public void LabelMap_OrdersClassesByFirstAppearance_AndMaySayOneTwice()
    {
        var table = (
            Options with
            {
                LabelMap = new Dictionary<string, string>
                {
                    ["7"] = "road",
                    ["3"] = "sky",
                    ["300"] = "road",
                    ["0"] = "ignore",
                },
            }
        ).Table();
        Assert.Equal(["road", "sky"], table.Classes);
        Assert.Equal([0, 1, 0, 255, null], new int?[] { table.Find(7), table.Find(3), table.Find(300), table.Find(0), table.Find(1) });
    }

    [Fact]
    public void LabelMap_WithClasses_KeepsTheirOrder()
    {
        var table = (
            Options with
            {
                Classes = ["sky", "road"],
                LabelMap = new Dictionary<string, string> { ["7"] = "road", ["3"] = "sky" },
            }
        ).Table();
        Assert.Equal(["sky", "road"], table.Classes);
        Assert.Equal(1, (int)table.Find(7)!.Value);
    }

    [Fact]
    public void LabelMap_ByColour_InAnySpelling()
    {
        var options = Options with
        {
            LabelMap = new Dictionary<string, string>
            {
                ["#804080"] = "road",
                ["[0, 0,255]"] = "sky",
                ["1, 2, 3"] = "ignore",
                ["*"] = "ignore",
            },
        };
        var table = options.Table();
        Assert.True(table.ByColor);
        Assert.Equal(
            [0, 1, 255, 255],
            new int[] { table.Find(0x804080)!.Value, table.Find(0x0000FF)!.Value, table.Find(0x010203)!.Value, table.Find(0x999999)!.Value }
        );
        Assert.Equal("#804080: road, #0000FF: sky, #010203: ignore, *: ignore", Map(options));
    }

    [Fact]
    public void ShortForms_ExpandToTheTable()
    {
        Assert.Equal("7: a, 8: b, 11: c, *: ignore", Map(Options with { Classes = ["a", "b", "c"], LabelClassIds = [7, 8, 11] }));
        Assert.Equal("7: class_7, 9: class_9, *: ignore", Map(Options with { LabelClassIds = [7, 9] }));
        Assert.Equal("0: ignore, 1: a, 2: b, 255: ignore", Map(Options with { Classes = ["a", "b"], ReduceZeroLabel = true }));
        Assert.Equal("0: ignore, 1: class_1, 2: class_2, 255: ignore", Map(Options with { NumClasses = 2, ReduceZeroLabel = true }));
        Assert.Equal("0: a, 1: b, 255: ignore", Map(Options with { Classes = ["a", "b"] }));
    }

    [Fact]
    public void ReduceZeroLabel_OfPascalContext_LeavesOutTheBackground()
    {
        var table = (new PascalContextOptions("nowhere") with { ReduceZeroLabel = true }).Table();
        Assert.Equal(59, table.Classes.Count);
        Assert.Equal(
            ("aeroplane", 255, 0, 58),
            (table.Classes[0], (int)table.Find(0)!.Value, (int)table.Find(1)!.Value, (int)table.Find(59)!.Value)
        );
    }

    [Fact]
    public void Classes_OfAKnownSet_ChooseAndOrder()
    {
        var table = (new CamVidOptions("nowhere") with { Classes = ["Car", "Sky"] }).Table();
        Assert.Equal(
            [1, 0, 255, 255],
            new int[] { table.Find(0)!.Value, table.Find(8)!.Value, table.Find(1)!.Value, table.Find(11)!.Value }
        );
        Assert.Equal(
            ("Classes", "the data set has no class \"car\". Did you mean \"Car\"? Other names need a label_map of their own."),
            Mistake(new CamVidOptions("nowhere") with { Classes = ["car"] })
        );
    }

    [Theory]
    [InlineData("ids", 19, 34)]
    [InlineData("train_ids", 19, 20)]
    public void Cityscapes_BothNumberings(string numbers, int classes, int entries)
    {
        var table = new CityscapesOptions("nowhere", Labels: numbers == "ids" ? LabelNumbers.Ids : LabelNumbers.TrainIds).Table();
        Assert.Equal((classes, entries), (table.Classes.Count, table.Entries.Count));
        Assert.Equal("road", table.Classes[table.Find(numbers == "ids" ? 7 : 0)!.Value]);
        Assert.Equal("bicycle", table.Classes[table.Find(numbers == "ids" ? 33 : 18)!.Value]);
    }

    [Fact]
    public void KnownSets_HaveTheirClassesAndColours()
    {
        (LabelOptions Options, int Classes, int Value, string Name)[] known =
        [
            (new VocSegmentationOptions("x"), 21, 15, "person"),
            (new PascalContextOptions("x"), 60, 59, "wood"),
            (new Ade20kOptions("x"), 150, 13, "person"),
            (new CocoStuffOptions("x"), 171, 0, "person"),
            (new CocoStuffOptions("x"), 171, 181, "wood"),
            (new CocoStuffOptions("x", Labels: LabelNumbers.TrainIds), 171, 170, "wood"),
            (new CamVidOptions("x"), 11, 10, "Bicyclist"),
        ];
        foreach (var (options, classes, value, name) in known)
        {
            var table = options.Table();
            Assert.Equal(classes, table.Classes.Count);
            Assert.Equal(classes, table.Classes.Distinct().Count());
            Assert.Equal(name, table.Classes[table.Find(value)!.Value]);
        }
        Assert.Null(new CocoStuffOptions("x").Table().Find(182));
    }

    [Fact]
    public void Contradictions_NameTheOption()
    {
        var map = new Dictionary<string, string> { ["0"] = "sky", ["1"] = "road" };
        Assert.Equal(
            (
                "LabelMap",
                "what the labels' values mean must be said, as in \"label_map\": { \"0\": \"sky\", \"1\": \"road\", \"255\": "
                    + "\"ignore\" }; or, where the values are 0, 1, 2 …, list the names in \"classes\"."
            ),
            Mistake(Options)
        );
        Assert.Equal(
            ("NumClasses", "num_classes is 3, but the labels' table has 2 classes (sky, road)."),
            Mistake(Options with { LabelMap = map, NumClasses = 3 })
        );
        Assert.StartsWith(
            "label_map and reduce_zero_label say the same thing",
            Mistake(Options with { LabelMap = map, ReduceZeroLabel = true }).Text
        );
        Assert.Equal(
            ("LabelMap", "\"0\": there is no class \"raod\" among classes. Did you mean \"road\"?"),
            Mistake(
                Options with
                {
                    LabelMap = new Dictionary<string, string> { ["1"] = "road", ["0"] = "raod" },
                    Classes = ["road"],
                }
            )
        );
        Assert.Equal(
            ("Classes", "label_map gives no value to the class \"raod\". Did you mean \"road\"?"),
            Mistake(Options with { LabelMap = map, Classes = ["sky", "raod"] })
        );
        Assert.Equal(
            ("LabelMap", "\"#000001\": values and colours can't be mixed; the label files hold one of the two."),
            Mistake(Options with { LabelMap = new Dictionary<string, string>(map) { ["#000001"] = "sky" } })
        );
        Assert.Equal(
            ("LabelMap", "\"two\" is neither a value (\"0\" to \"65535\") nor a colour (\"#804080\" or \"128, 64, 128\") nor \"*\"."),
            Mistake(Options with { LabelMap = new Dictionary<string, string>(map) { ["two"] = "sky" } })
        );
        Assert.Equal(
            ("LabelMap", "\"00\" stands there twice, in two spellings."),
            Mistake(Options with { LabelMap = new Dictionary<string, string>(map) { ["00"] = "road" } })
        );
        Assert.Equal(
            ("LabelClassIds", "2 values for 3 classes."),
            Mistake(Options with { Classes = ["a", "b", "c"], LabelClassIds = [1, 2] })
        );
        Assert.Equal(("LabelClassIds", "2 stands there twice."), Mistake(Options with { LabelClassIds = [2, 2] }));
        Assert.Equal(("Palette", "1 colours for 2 classes."), Mistake(Options with { LabelMap = map, Palette = [default] }));
        Assert.Equal(("Classes", "it names \"a\" twice."), Mistake(Options with { Classes = ["a", "a"] }));
    }

    [Fact]
    public void Table_AgreesWithItsDefinition_OnRandomValues()
    {
        var random = new RandomSource(5);
        for (var round = 0; round < 20; round++)
        {
            var meanings = random.Permutation(256).Take(40).ToDictionary(value => value, _ => (byte)random.Next(5));
            var table = new LabelTable(["a", "b", "c", "d", "e"], [.. meanings], byColor: false);
            var values = Enumerable.Range(0, 200).Select(_ => (byte)meanings.Keys.ElementAt(random.Next(meanings.Count))).ToArray();
            var expected = values.Select(value => meanings[value]).ToArray();
            Assert.Equal(expected, table.Apply(new Image(10, 20, 1, PixelType.UInt8, values), "x").Bytes);

            var wide = new Image(10, 20, 1, PixelType.UInt16);
            for (var i = 0; i < values.Length; i++)
                wide.Pixels<ushort>()[i] = values[i];
            Assert.Equal(expected, table.Apply(wide, "x").Bytes);

            var colors = new LabelTable(
                table.Classes,
                [.. meanings.Select(entry => KeyValuePair.Create(entry.Key * 65793, entry.Value))],
                byColor: true
            ); // gray: r = g = b
            Assert.Equal(
                expected,
                colors
                    .Apply(new Image(10, 20, 3, PixelType.UInt8, [.. values.SelectMany(value => (byte[])[value, value, value])]), "x")
                    .Bytes
            );
        }
    }
}

using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Datasets.Panoptic;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Panoptic;

public sealed class CocoPanopticTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Get_ImagesWithSegments_GivesTheirMap()
    {
        var data = Open(Json());
        Assert.Equal(2, data.Count);
        Assert.Equal(DataTask.Panoptic, data.Info.Task);
        Assert.Equal(["cat", "sky"], data.Info.Classes); // by rising id
        Assert.Equal([3L, 7], data.Info.CategoryIds);
        Assert.Equal([true, false], data.Info.Things);
        Assert.Equal([0, 1], data.LabelsOf(0));
        Assert.Equal([], data.LabelsOf(1)!); // a crowd is not learned from
        var map = Load(data, 0).Truth.Panoptic!;
        Assert.Equal([0, 0, 1, PanopticMap.Void], map.Map.Pixels<ushort>().ToArray());
        Assert.Equal([0, 1], map.Segments.Select(segment => segment.Label));
        Assert.Equal([2L, 1], map.Areas());
        Assert.Equal(11, data.Get(0).ImageId);
        Assert.True(Assert.Single(Load(data, 1).Truth.Panoptic!.Segments).Crowd);
    }

    [Theory]
    [InlineData(
        "annotations.0.segments_info.0.category_id",
        "5",
        "a.png: segment 66051 is of category 5, which the file doesn't list. It has"
    )]
    [InlineData("annotations.0.segments_info.0.id", "0", "has the id 0; 1 to 16,777,215")]
    [InlineData("annotations.0.segments_info.0.id", "16777216", "has the id 16777216; 1 to")]
    [InlineData("annotations.0.segments_info.1.id", "66051", "a.png: two segments have the id 66051")]
    [InlineData("annotations.0.image_id", "5", "is of image 5, which the file doesn't list")]
    [InlineData("annotations.1.image_id", "11", "image 11 has two annotations: a.png and b.png")]
    [InlineData("annotations.1.file_name", "\"c.png\"", "c.png doesn't exist")]
    [InlineData("annotations.1.file_name", "\"../c.png\"", "leads out of the maps' folder")]
    [InlineData("annotations.1.segments_info", null, "has no \"segments_info\"")]
    [InlineData("images.0.file_name", "\"z.png\"", "the photograph")]
    [InlineData("categories.0.isthing", null, "category 7 (\"sky\") has no \"isthing\"")]
    [InlineData("categories.0.name", "\"cat\"", "category \"cat\" comes twice: ids 3 and 7")]
    [InlineData("categories.0.id", "3", "category id 3 comes twice")]
    [InlineData("categories", null, "has no \"categories\"")]
    [InlineData("images", "[]", "it lists no images")]
    public void Open_FileThatIsWrong_SaysWhat(string path, string? value, string expected)
    {
        var json = Json();
        var (at, keys) = ((JsonNode)json, path.Split('.'));
        foreach (var key in keys[..^1])
            at = int.TryParse(key, out var place) ? at[place]! : at[key]!;
        at[keys[^1]] = value is null ? null : JsonNode.Parse(value);
        if (value is null)
            ((JsonObject)at).Remove(keys[^1]);
        Assert.Contains(expected, Assert.Throws<UserErrorException>(() => Open(json)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadPanoptic_IdsThatDiffer_SaysWhichAndWhere()
    {
        var absent = Json();
        absent["annotations"]![0]!["segments_info"]!.AsArray().Add(Segment(999, 3));
        Assert.Contains("a.png: no pixel has the id 999", Fails(absent), StringComparison.Ordinal);
        var unknown = Json();
        unknown["annotations"]![0]!["segments_info"]!.AsArray().RemoveAt(0);
        Assert.Contains("pixels have the id 66051 (colour 3, 2, 1)", Fails(unknown), StringComparison.Ordinal);
        var size = Json();
        size["images"]![0]!["file_name"] = "b.png"; // the photograph of 1 x 1
        size["images"]![1]!["file_name"] = "a.png";
        Assert.Contains("has 2 x 2 pixels, its photograph", Fails(size), StringComparison.Ordinal);
        Write(Path.Combine("maps", "a.png"), new Image(2, 2, 1));
        Assert.Contains(
            "a.png: the map of segments has one channel of values; its colours must hold",
            Fails(Json()),
            StringComparison.Ordinal
        );

        string Fails(JsonObject json) => Assert.Throws<UserErrorException>(() => Load(Open(json), 0)).Message;
    }

    private static Sample Load(CocoPanoptic data, int index)
    {
        var random = new RandomSource(0);
        return new LoadPanoptic().Apply(new LoadImage(new()).Apply(data.Get(index), random), random);
    }

    private CocoPanoptic Open(JsonObject json)
    {
        if (!File.Exists(At("photos", "a.png")))
        {
            Write(Path.Combine("photos", "a.png"), new Image(2, 2, 3));
            Write(Path.Combine("photos", "b.png"), new Image(1, 1, 3));
            // 66051 = 3 + 256 * 2 + 65536 * 1
            Write(Path.Combine("maps", "a.png"), new Image(2, 2, 3, PixelType.UInt8, [3, 2, 1, 3, 2, 1, 9, 0, 0, 0, 0, 0]));
            Write(Path.Combine("maps", "b.png"), new Image(1, 1, 3, PixelType.UInt8, [4, 0, 0]));
        }
        File.WriteAllText(At("maps.json"), json.ToJsonString());
        return new CocoPanoptic(new CocoPanopticOptions(At("photos"), At("maps.json")));
    }

    private void Write(string name, Image image)
    {
        _folder.Write(name, ImageCodec.EncodePng(image));
    }

    private string At(params string[] parts) => Path.Combine([_folder.Path, .. parts]);

    private static JsonObject Json() =>
        new()
        {
            ["images"] = new JsonArray(Image(11, "a.png", 2), Image(12, "b.png", 1)),
            ["annotations"] = new JsonArray(
                Annotation(11, "a.png", Segment(66051, 3), Segment(9, 7)),
                Annotation(12, "b.png", Segment(4, 3, crowd: true))
            ),
            ["categories"] = new JsonArray(Category(7, "sky", 0), Category(3, "cat", 1)),
        };

    private static JsonObject Image(int id, string file, int side) =>
        new()
        {
            ["id"] = id,
            ["file_name"] = file,
            ["height"] = side,
            ["width"] = side,
        };

    private static JsonObject Annotation(int image, string file, params JsonNode[] segments) =>
        new()
        {
            ["image_id"] = image,
            ["file_name"] = file,
            ["segments_info"] = new JsonArray(segments),
        };

    private static JsonObject Segment(int id, int category, bool crowd = false) =>
        new()
        {
            ["id"] = id,
            ["category_id"] = category,
            ["iscrowd"] = crowd ? 1 : 0,
            ["area"] = 1,
        };

    private static JsonObject Category(int id, string name, int isThing) =>
        new()
        {
            ["id"] = id,
            ["name"] = name,
            ["isthing"] = isThing,
        };
}

using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Datasets.Panoptic;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Panoptic;

/// <summary>Photographs and maps of segments: those that are found, left out and wrong, all at once.</summary>
public sealed class PanopticFilesTests : IDisposable
{
    private const int Count = 8;

    private readonly TemporaryFolder _folder = new();
    private readonly JsonObject _json = new();

    public PanopticFilesTests()
    {
        var (images, annotations) = (new JsonArray(), new JsonArray());
        for (var i = 0; i < Count; i++)
        {
            _folder.Write($"photos/p{i}.png", ImageCodec.EncodePng(new Image(2, 3, 3)));
            Map(i, [7, 7, 7, 9, 0, 0]);
            images.Add(new JsonObject { ["id"] = i, ["file_name"] = $"p{i}.png" });
            annotations.Add(
                new JsonObject
                {
                    ["image_id"] = i,
                    ["file_name"] = $"p{i}.png",
                    ["segments_info"] = JsonNode.Parse("""[{ "id": 7, "category_id": 1 }, { "id": 9, "category_id": 2 }]"""),
                }
            );
        }
        (_json["images"], _json["annotations"]) = (images, annotations);
        _json["categories"] = JsonNode.Parse("""[{ "id": 1, "name": "cat", "isthing": 1 }, { "id": 2, "name": "sky", "isthing": 0 }]""");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Check_GoodMaps_HasNothingToSay()
    {
        var told = 0;
        Assert.Empty(Open().Check((done, _) => told = Math.Max(told, done)));
        Assert.Equal(Count, told);
        Assert.Equal(2, Open().ObjectsOf(0));
    }

    [Fact]
    public void Check_BadMaps_AreToldTogether()
    {
        Map(1, [7, 7, 7, 9, 5, 5]);
        Map(2, [7, 7, 7, 0, 0, 0]);
        Map(3, [7, 9], height: 1, width: 2);
        _folder.Write("maps/p4.png", [1, 2, 3]);
        Map(5, [7, 9, 300, 70000, 11, 12]);
        var error = Assert.Throws<UserErrorException>(() => Open().Check()).Message;
        foreach (
            var said in new[]
            {
                "5 of 8 maps of segments can't be used:",
                "p1.png: pixels have the id 5 (colour 5, 0, 0), which the annotation doesn't list among the 2 segments of this image.",
                "p2.png: no pixel has the id 9, of a segment that the annotation lists for this image.",
                "p3.png: the map of segments has 2 x 1 pixels, its photograph",
                "p4.png",
                "pixels have the ids 11 (colour 11, 0, 0), 12 (colour 12, 0, 0), 300 (colour 44, 1, 0), … (4 in all)",
            }
        )
            Assert.Contains(said, error, StringComparison.Ordinal);
        foreach (var i in new[] { 0, 6, 7 })
            Map(i, [1, 1, 1, 1, 1, 1]);
        error = Assert.Throws<UserErrorException>(() => Open().Check()).Message;
        Assert.Contains("8 of 8 maps", error, StringComparison.Ordinal);
        Assert.EndsWith("… and 2 more.", error, StringComparison.Ordinal);
        var unread = Open();
        unread.Pipeline = [];
        Assert.Empty(unread.Check()); // no step reads the maps
    }

    [Fact]
    public void Check_MostlyVoidMaps_AreTold()
    {
        for (var i = 0; i < Count; i++)
            Map(i, [7, 9, 0, 0, 0, 0]);
        Assert.StartsWith("67 % of all pixels belong to no segment", Assert.Single(Open().Check()), StringComparison.Ordinal);
        foreach (var annotation in _json["annotations"]!.AsArray().Take(3))
        foreach (var segment in annotation!["segments_info"]!.AsArray())
            segment!["iscrowd"] = 1;
        var data = Open();
        Assert.Contains("3 of 8 maps of segments hold no segment to learn from", data.Check()[0], StringComparison.Ordinal);
        Assert.Equal(0, data.ObjectsOf(0));
    }

    [Fact]
    public void LeftOut_PhotographsThatNobodyNames_AreCounted()
    {
        _folder.Write("photos/more.jpg", [1]);
        _folder.Write("photos/phone.heic", [1]);
        _folder.Write("photos/notes.txt", [1]);
        var data = Open();
        Assert.Equal(
            ["images that no annotation names: 1: more.jpg", "HEIC files, which can't be read: 1: phone.heic"],
            data.LeftOut.Select(entry => $"{entry.Reason}: {entry.Count}: {Path.GetFileName(entry.First[0])}")
        );
        Assert.Equal(2, data.Check().Count(note => note.StartsWith("left out: ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("P0.PNG")]
    [InlineData("./p0.png")]
    [InlineData(".\\p0.png")]
    [InlineData("http://images.example.org/val2017/p0.png")]
    public void Names_AsToolsWriteThem_AreFound(string name)
    {
        (_json["images"]![0]!["file_name"], _json["annotations"]![0]!["file_name"]) = (name, name);
        var data = Open();
        Assert.Equal("p0.png", data.ListNameOf(0));
        Assert.NotNull(data.Get(0).PanopticFile!.Read().ToArray());
        Assert.Equal(Count, data.Count);
        data.Check();
        var random = new RandomSource(0);
        Assert.Equal(
            6,
            new LoadPanoptic().Apply(new LoadImage(new()).Apply(data.Get(0), random), random).Truth.Panoptic!.Areas().Sum() + 2
        );
    }

    [Fact]
    public void Open_FaultsOfEveryKind_AreToldTogether()
    {
        _json["annotations"]!.AsArray().RemoveAt(7);
        File.Delete(Path.Combine(_folder.Path, "photos", "p7.png"));
        for (var i = 0; i < 7; i++)
            File.Delete(Path.Combine(_folder.Path, "maps", $"p{i}.png"));
        var error = Assert.Throws<UserErrorException>(Open).Message;
        Assert.Contains("image 7 (p7.png) has no annotation.", error, StringComparison.Ordinal);
        Assert.Matches(@"the photograph of image 7: .*p7\.png doesn't exist\.", error);
        Assert.Matches(@"the map of segments of image 5: .*p5\.png doesn't exist\.", error);
        Assert.EndsWith("… and 1 more of that kind.", error, StringComparison.Ordinal);
    }

    /// <param name="ids">Of the pixels, row by row.</param>
    private void Map(int sample, int[] ids, int height = 2, int width = 3) =>
        _folder.Write(
            $"maps/p{sample}.png",
            ImageCodec.EncodePng(
                new Image(
                    height,
                    width,
                    3,
                    PixelType.UInt8,
                    [.. ids.SelectMany(id => (byte[])[(byte)id, (byte)(id >> 8), (byte)(id >> 16)])]
                )
            )
        );

    private CocoPanoptic Open()
    {
        _folder.Write("maps.json", System.Text.Encoding.UTF8.GetBytes(_json.ToJsonString()));
        return new CocoPanoptic(new(Path.Combine(_folder.Path, "photos"), Path.Combine(_folder.Path, "maps.json")))
        {
            Pipeline = [new LoadImage(new()), new LoadPanoptic()],
        };
    }
}

using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

/// <summary>One of several lists of steps, from a config; and crops of a size that is drawn.</summary>
public sealed class RandomChoiceTests
{
    private static Transform Build(string json)
    {
        var registry = new ComponentRegistry();
        registry.Add(typeof(LoadImage).Assembly);
        return new ComponentBuilder(registry, new ServiceCollection().BuildServiceProvider()).Build<Transform>(json);
    }

    [Theory]
    [InlineData("", 0.333, 0.333)]
    [InlineData(""", "prob": [0.7, 0.1, 0.2]""", 0.7, 0.1)]
    [InlineData(""", "prob": [0, 1, 0]""", 0, 1)]
    public void Lists_AreChosenAsOftenAsTheySay(string prob, double first, double second)
    {
        var step = Build(
            $$"""
            { "type": "RandomChoice"{{prob}}, "transforms": [
              [{ "type": "CenterCrop", "size": 30 }],
              [{ "type": "CenterCrop", "size": 20 }, { "type": "Pad", "size": 25 }],
              []] }
            """
        );
        var heights = Enumerable
            .Range(0, 1000)
            .Select(seed => step.Apply(TestScene.Create(), new RandomSource((ulong)seed)).Image!.Size.Height);
        var counts = heights.CountBy(height => height).ToDictionary();
        Assert.InRange(counts.GetValueOrDefault(30), (first * 1000) - 50, (first * 1000) + 50);
        Assert.InRange(counts.GetValueOrDefault(25), (second * 1000) - 50, (second * 1000) + 50);
        Assert.Equal(
            1000 - counts.GetValueOrDefault(30) - counts.GetValueOrDefault(25),
            counts.GetValueOrDefault(TestScene.Create().Image!.Size.Height)
        );
    }

    [Theory]
    [InlineData(""" "transforms": [] """, "transforms is empty")]
    [InlineData(""" "transforms": [[], []], "prob": [1] """, "prob has 1 numbers for 2 lists")]
    [InlineData(""" "transforms": [[], []], "prob": [0.5, 0.6] """, "prob sums to 1.1")]
    [InlineData(""" "transforms": [[], []], "prob": [1.5, -0.5] """, "prob")]
    [InlineData(""" "transforms": [[{ "type": "LoadImage" }]] """, "LoadImage can't be left to chance")]
    [InlineData(""" "transforms": [[{ "type": "Normalize" }]] """, "Normalize can't be left to chance")]
    [InlineData(""" "transforms": [{ "type": "RandomFlip" }] """, "transforms.0", "a list of transforms")]
    [InlineData(""" "transforms": [[], [{ "type": "RandomFlip", "prop": 1 }]] """, "transforms.1.0.prop", "prob")]
    [InlineData(""" "transforms": [[{ "type": "RandomZoomOut" }]] """, "transforms.0.0", "Expand")]
    public void Mistakes_AreToldWithTheirPlace(string options, params string[] parts)
    {
        var message = Assert.Throws<UserErrorException>(() => Build($$"""{ "type": "RandomChoice", {{options}} }""")).Message;
        Assert.All(parts, part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    [Fact]
    public void RandomCrop_SizeRange_DrawsBothSides_WithinTheImage()
    {
        var step = Build("""{ "type": "RandomCrop", "size_range": [20, 500], "allow_negative_crop": true }""");
        var whole = TestScene.Create().Image!.Size;
        var sizes = Enumerable
            .Range(0, 400)
            .Select(seed => step.Apply(TestScene.Create(), new RandomSource((ulong)seed)).Image!.Size)
            .ToArray();
        Assert.All(
            sizes,
            size =>
            {
                Assert.InRange(size.Height, 20, whole.Height);
                Assert.InRange(size.Width, 20, whole.Width);
            }
        );
        Assert.Contains(sizes, size => size.Height == whole.Height);
        Assert.Contains(sizes, size => size.Width == 20);
        Assert.Contains(sizes, size => size.Height < size.Width - 20);
        foreach (
            var wrong in (string[])["", """, "size": 5, "size_range": [4, 5]""", """, "size_range": [5, 4]""", """, "size_range": [0, 4]"""]
        )
            Assert.Contains(
                "size_range",
                Assert.Throws<UserErrorException>(() => Build($$"""{ "type": "RandomCrop"{{wrong}} }""")).Message,
                StringComparison.Ordinal
            );
    }
}

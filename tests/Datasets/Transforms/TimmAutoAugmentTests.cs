using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

public class TimmAutoAugmentTests
{
    [Fact]
    public void Operation_EqualsTimm_PixelForPixel()
    {
        var cases = AugmentFixture.Timm.All("timm_operations");
        Assert.Equal(161, cases.Length);
        foreach (var entry in cases)
        {
            var image = AugmentFixture.Source(entry);
            var operation = new TimmOperation(Enum.Parse<TimmOperationKind>(entry.Text("name")), 1, 0);
            var (what, value) = operation.At(Draw(entry), entry.Whole("largest"), image.Height, image.Width);
            double[] fill = image.Channels == 1 ? [117] : [124, 116, 104];
            var result = AugmentOperations.Apply(image, what, value, AugmentFixture.Filter(entry), fill);
            Assert.True(entry.Text("digest") == AugmentFixture.Digest(result), entry.ToString());
        }
    }

    [Fact]
    public void Recipe_SaysWhatTimmReadsInIt()
    {
        var cases = AugmentFixture.Timm.All("timm_recipes");
        Assert.Equal(14, cases.Length);
        foreach (var entry in cases)
        {
            var recipe = new TimmRecipe(entry.Text("text"));
            var lists =
                recipe.Kind == TimmRecipeKind.Policy
                    ? recipe.Policy
                    :
                    [
                        [.. recipe.Operations],
                    ];
            var expected = entry.All("lists");
            Assert.Equal(expected.Length, lists.Count);
            for (var i = 0; i < expected.Length; i++)
                Assert.Equal(
                    expected[i].EnumerateArray().Select(step => (step[0].GetString(), step[1].GetDouble(), Strength(step))),
                    lists[i].Select(step => ((string?)step.Kind.ToString(), step.Chance, Level(step)))
                );
            var std = entry.GetProperty("std");
            Assert.Equal(std.ValueKind == JsonValueKind.String ? double.PositiveInfinity : std.GetDouble(), recipe.MagnitudeStd);
            Assert.Equal(entry.Number("largest"), recipe.Largest);
            if (recipe.Kind == TimmRecipeKind.Rand)
            {
                Assert.Equal(entry.Whole("layers"), recipe.Layers);
                var weights = entry.GetProperty("weights");
                Assert.Equal(weights.ValueKind == JsonValueKind.Null, recipe.Weights is null);
                if (recipe.Weights is { } actual)
                    Assert.Equal(
                        weights.EnumerateArray().Select(weight => Math.Round(weight.GetDouble(), 12)),
                        actual.Select(weight => Math.Round(weight, 12))
                    );
            }
            else if (recipe.Kind == TimmRecipeKind.AugMix)
            {
                Assert.Equal(
                    (entry.Whole("width"), entry.Whole("depth"), entry.Number("alpha"), entry.GetProperty("blended").GetBoolean()),
                    (recipe.Width, recipe.Depth ?? -1, recipe.Alpha, recipe.Blended)
                );
            }
        }

        // Strengths of operations that have none differ between the lists of the two projects and mean nothing.
        static double Strength(JsonElement step) => HasNone(step[0].GetString()!) ? 0 : step[2].GetDouble();
        static double Level(TimmOperation step) => HasNone(step.Kind.ToString()) ? 0 : step.Magnitude;
        static bool HasNone(string name) => name is "AutoContrast" or "Equalize" or "Invert";
    }

    [Fact]
    public void Run_WithTheSameDraws_EqualsTimm()
    {
        var cases = AugmentFixture.Timm.All("timm_runs");
        Assert.Equal(60, cases.Length);
        foreach (var entry in cases)
        {
            var step = new TimmAutoAugment(new(entry.Text("text")));
            var sample = AugmentFixture.Sample(AugmentFixture.Rgb);
            foreach (var drawn in entry.All("steps").Where(drawn => drawn.GetProperty("happens").GetBoolean()))
                step.Apply(sample, Operation(drawn), Draw(drawn));
            Assert.True(entry.Text("digest") == AugmentFixture.Digest(sample.Image!.Decode()), entry.ToString());
        }
    }

    [Fact]
    public void Mixture_WithTheSameDraws_EqualsTimm()
    {
        var cases = AugmentFixture.Timm.All("timm_mixtures");
        Assert.Equal(9, cases.Length);
        var image = PixelLayout.Crop(AugmentFixture.Rgb, 0, 0, 30, 30);
        foreach (var entry in cases)
        {
            var step = new TimmAutoAugment(new(entry.Text("text")));
            var weights = entry.All("weights");
            var chains = entry
                .All("chains")
                .Select(
                    (chain, i) => (weights[i].GetSingle(), chain.EnumerateArray().Select(link => (Operation(link), Draw(link))).ToArray())
                );
            var result = step.Mixed(image, entry.GetProperty("share").GetSingle(), [.. chains]);
            if (step.Recipe.Blended)
                Assert.InRange(ImageFixture.LargestDifference(AugmentFixture.Pixels(entry), result.Bytes), 0, 1); // weights in other precision
            else
                Assert.True(entry.Text("digest") == AugmentFixture.Digest(result), entry.ToString());
        }
    }

    [Fact]
    public void Blur_IsNearPillowsBoxes()
    {
        // Three boxes, which Pillow has for the Gaussian, differ from it by some levels on noise.
        foreach (var entry in AugmentFixture.Timm.All("timm_blurs"))
        {
            var blurred = AugmentOperations.Apply(
                AugmentFixture.Rgb,
                AugmentOperation.Blur,
                entry.Number("radius"),
                Interpolation.Nearest,
                [0]
            );
            var expected = AugmentFixture.Pixels(entry);
            Assert.InRange(Enumerable.Range(0, expected.Length).Average(i => Math.Abs(expected[i] - blurred.Bytes[i])), 0, 2);
        }
    }

    [Fact]
    public void Rand_Drawn_AppliesHalfOfTheOperations()
    {
        var (image, step, same) = (AugmentFixture.Rgb, new TimmAutoAugment(new("rand-m9-mstd0.5-inc1")), 0);
        for (var seed = 0; seed < 2000; seed++)
            if (ReferenceEquals(image, step.Apply(AugmentFixture.Sample(image), RandomSource.For(1, 2, seed)).Image!.Decode()))
                same++;
        Assert.InRange(same / 2000.0, 0.25 - 0.04, 0.25 + 0.05); // neither of two; posterizing to 8 bits doesn't come with m9
    }

    [Fact]
    public void Rand_WithWeights_TakesNoOperationTwice()
    {
        // All fourteen of the set are drawn, so each once: inverting always happens.
        var step = new TimmAutoAugment(new("rand-n14-t3aw-p1-m0"));
        var flat = new Image(6, 6, 1);
        flat.Bytes.AsSpan().Fill(100);
        for (var seed = 0; seed < 50; seed++)
        {
            var result = step.Apply(AugmentFixture.Sample(flat.Clone()), RandomSource.For(1, 2, seed)).Image!.Decode();
            // Solarizing from 256 on, posterizing to 4 bits (before or after inverting), blurring and the rest at strength 0 keep a flat image.
            Assert.Contains(result.Bytes[14], (byte[])[144, 159]);
        }
    }

    public static TheoryData<string, string> Mistakes =>
        new()
        {
            { "rnd-m9", "begins with \"rnd\". Did you mean \"rand\"? There are rand, augmix, original, originalr, v0, v0r, 3a." },
            { "rand-m9-mst0.5", "\"mst0.5\" of \"rand-m9-mst0.5\" isn't known. Did you mean \"mstd\"?" },
            { "rand-w3", "\"w3\" of \"rand-w3\" isn't known." },
            { "rand-m9-", "\"\" of \"rand-m9-\" isn't known." },
            { "rand-mstd", "\"mstd\" of \"rand-mstd\" has no number." },
            { "rand-m9.5", "\"m9.5\" of \"rand-m9.5\" is no whole number from 0 to 1000." },
            { "rand-p1.5", "\"p1.5\" of \"rand-p1.5\" is no number from 0 to 1." },
            { "rand-inc0", "\"inc0\" of \"rand-inc0\" can only be 1" },
            { "rand-m9-m8", "\"m\" of \"rand-m9-m8\" is there twice." },
            { "rand-tweight", "\"tweight\" of \"rand-tweight\" names no set of operations. Did you mean \"weights\"?" },
            { "rand-n20-tweights", "\"n20\" of \"rand-n20-tweights\" draws more operations than the 15" },
            { "original-m5", "\"m5\" of \"original-m5\" isn't known." },
            { "augmix-d0", "\"d0\" of \"augmix-d0\" is no whole number from 1 to 64." },
        };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Config_WithAMistake_SaysWhich(string text, string expected) =>
        Assert.Contains(
            expected,
            Assert.Throws<UserErrorException>(() => new TimmAutoAugment(new(text))).Message,
            StringComparison.Ordinal
        );

    private static TimmOperation Operation(JsonElement entry) => new(Enum.Parse<TimmOperationKind>(entry.Text("name")), 1, 0);

    private static TimmDraw Draw(JsonElement entry) =>
        new(entry.Number("magnitude"), entry.Whole("sign"), AugmentFixture.Filter(entry), 0.5);
}

using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Geometry;
using Tessera.Datasets.Images.Resampling;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

public class AutoAugmentTests
{
    [Fact]
    public void Operation_EqualsTorchvision_PixelForPixel()
    {
        var cases = AugmentFixture.Torchvision.All("operations");
        Assert.Equal(156, cases.Length);
        foreach (var entry in cases)
        {
            var image = AugmentFixture.Source(entry);
            var operation = Enum.Parse<AugmentOperation>(entry.Text("name"));
            var value = entry.Number("value") + (IsFactor(operation) ? 1 : 0);
            if (operation is AugmentOperation.ShearX or AugmentOperation.ShearY)
                value = MagnitudeRanges.ByAngle(operation, value);
            var result = AugmentOperations.Apply(image, operation, value, AugmentFixture.Filter(entry), AugmentFixture.Fill(image));
            Assert.True(entry.Text("digest") == AugmentFixture.Digest(result), entry.ToString());
        }
    }

    [Fact]
    public void Warp_OnEveryLevel_GivesTheSamePixels()
    {
        var random = new RandomSource(8);
        for (var round = 0; round < 60; round++)
        {
            var (height, width) = (random.Next(1, 30), random.Next(1, 40));
            var image = ImageFixture.Noise(height, width, 3, seed: (ulong)round + 1);
            var back = new WayBack(
                random.Uniform(-1.5, 1.5),
                random.Uniform(-1, 1),
                random.Uniform(-5, 20),
                random.Uniform(-1, 1),
                random.Uniform(-1.5, 1.5),
                random.Uniform(-5, 20),
                round % 2 * random.Uniform(0, 0.01),
                round % 2 * random.Uniform(0, 0.01)
            );
            foreach (var filter in (Interpolation[])[Interpolation.Bilinear, Interpolation.Bicubic])
            {
                var plain = PillowWarp.Warp(image, back, height + 2, width + 3, filter, [1, 2, 3], SimdLevel.Scalar);
                foreach (var level in GeometryFixture.Levels)
                    Assert.Equal(plain.Bytes, PillowWarp.Warp(image, back, height + 2, width + 3, filter, [1, 2, 3], level).Bytes);
            }
        }
    }

    [Fact]
    public void Magnitudes_EqualTorchvision()
    {
        var cases = AugmentFixture.Torchvision.All("tables").Where(entry => entry.ValueKind == JsonValueKind.Object).ToArray();
        Assert.Equal(66, cases.Length);
        foreach (var entry in cases)
        {
            var ranges = entry.Text("kind") switch
            {
                "Usual" => MagnitudeRanges.Usual,
                "Wide" => MagnitudeRanges.Wide,
                _ => MagnitudeRanges.Mixed,
            };
            var operation = Enum.Parse<AugmentOperation>(entry.Text("name"));
            Assert.Equal(entry.GetProperty("signed").GetBoolean(), MagnitudeRanges.IsSigned(operation));
            var (bins, values) = (entry.Whole("bins"), entry.All("values"));
            for (var step = 0; step < bins; step++)
            {
                var expected = values[step].GetDouble();
                if (operation is AugmentOperation.TranslateX or AugmentOperation.TranslateY)
                    expected = Math.Truncate(expected); // as torchvision does it later
                var actual = ranges.At(operation, step, bins, 1, entry.Whole("height"), entry.Whole("width"));
                Assert.Equal(expected, actual - (IsFactor(operation) ? 1 : 0), 2e-5);
            }
        }
    }

    [Fact]
    public void Policies_AreTorchvisions()
    {
        foreach (var policy in Enum.GetValues<AutoAugmentPolicy>())
        {
            var expected = AugmentFixture.Torchvision.GetProperty("policies").All(policy.ToString().ToLowerInvariant());
            var actual = AutoAugmentPolicies.Of(policy);
            Assert.Equal(25, actual.Length);
            for (var i = 0; i < 25; i++)
                Assert.Equal(
                    expected[i].EnumerateArray().Select(step => (step[0].GetString(), step[1].GetDouble(), Step(step[2]))),
                    [
                        (actual[i].First.ToString(), actual[i].Chance, actual[i].Step),
                        (actual[i].Second.ToString(), actual[i].SecondChance, actual[i].SecondStep),
                    ]
                );
        }

        static int Step(JsonElement step) => step.ValueKind == JsonValueKind.Null ? 0 : step.GetInt32();
    }

    [Fact]
    public void AutoAugment_WithTheSameDraws_EqualsTorchvision()
    {
        var cases = AugmentFixture.Torchvision.All("autoaugment");
        Assert.Equal(150, cases.Length);
        foreach (var entry in cases)
        {
            var policy = Enum.Parse<AutoAugmentPolicy>(entry.Text("policy"), ignoreCase: true);
            var sample = AugmentFixture.Sample(AugmentFixture.Red);
            var (chances, signs) = (entry.All("chances"), entry.All("signs"));
            new AutoAugment(new(policy, Interpolation.Bilinear, [9])).Apply(
                sample,
                entry.Whole("index"),
                (chances[0].GetDouble(), chances[1].GetDouble()),
                (signs[0].GetInt32(), signs[1].GetInt32())
            );
            Assert.True(entry.Text("digest") == AugmentFixture.Digest(sample.Image!.Decode()), entry.ToString());
        }
    }

    [Fact]
    public void AutoAugment_Drawn_AppliesEachPolicyAsOftenAsItSays()
    {
        // Of CIFAR-10's pairs, the mean of (1 - p)(1 - q) leaves an image alone; the fixture has the table.
        var pairs = AugmentFixture.Torchvision.GetProperty("policies").All("cifar10");
        var untouched = pairs.Average(pair => (1 - pair[0][1].GetDouble()) * (1 - pair[1][1].GetDouble()));
        var (image, step, same) = (AugmentFixture.Rgb, new AutoAugment(new(AutoAugmentPolicy.Cifar10)), 0);
        for (var seed = 0; seed < 4000; seed++)
        {
            var sample = AugmentFixture.Sample(image);
            if (ReferenceEquals(image, step.Apply(sample, RandomSource.For(1, 2, seed)).Image!.Decode()))
                same++;
        }
        Assert.InRange(same / 4000.0, untouched - 0.025, untouched + 0.025); // its standard deviation is below 0.0075
    }

    [Fact]
    public void TrivialAugment_WithTheSameDraws_EqualsTorchvision()
    {
        // Wide ranges, as checked above, and operations, as checked above: that they come together.
        var image = AugmentFixture.Rgb;
        for (var operation = AugmentOperation.Identity; operation <= AugmentOperation.Equalize; operation++)
        {
            var sample = AugmentFixture.Sample(image);
            new TrivialAugment(new(31, Interpolation.Bilinear, [1, 2, 3])).Apply(sample, operation, 30, -1);
            var value = operation switch
            {
                AugmentOperation.ShearX or AugmentOperation.ShearY => MagnitudeRanges.ByAngle(operation, -(double)0.99f),
                AugmentOperation.TranslateX or AugmentOperation.TranslateY => -32,
                AugmentOperation.Rotate => -135,
                >= AugmentOperation.Brightness and <= AugmentOperation.Sharpness => 1 - (double)0.99f,
                AugmentOperation.Posterize => 2,
                _ => 0,
            };
            var expected = AugmentOperations.Apply(image, operation, value, Interpolation.Bilinear, [1, 2, 3]);
            Assert.Equal(expected.Bytes, sample.Image!.Decode().Bytes);
        }
    }

    [Fact]
    public void TrivialAugment_Drawn_TakesEveryOperationAndStrength()
    {
        var results = new HashSet<string>();
        for (var seed = 0; seed < 3000; seed++)
            results.Add(
                AugmentFixture.Digest(
                    new TrivialAugment(new(3))
                        .Apply(AugmentFixture.Sample(AugmentFixture.Rgb), RandomSource.For(0, 0, seed))
                        .Image!.Decode()
                )
            );
        // Nine operations of two strengths and two signs (36, their weakest is the image itself), posterize of 8 (the image itself), 5 and 2
        // bits, solarize of 255 (the image itself, or nearly), 127.5 and 0, autocontrast, equalize, the image itself. By 32 pixels of 31, up
        // or down is one.
        Assert.InRange(results.Count, 42, 43);
    }

    [Fact]
    public void AugMix_WithTheSameDraws_EqualsTorchvisionsMixing()
    {
        var cases = AugmentFixture.Torchvision.All("augmix");
        Assert.Equal(12, cases.Length);
        foreach (var entry in cases)
        {
            var image = AugmentFixture.Rgb;
            var (own, weights) = (entry.All("own"), entry.All("weights"));
            var chains = entry
                .All("chains")
                .Select(
                    (chain, i) =>
                        (weights[i].GetSingle() * own[1].GetSingle(), chain.All("links").Select(link => Link(link, image)).ToArray())
                );
            var mix = new AugMix(new(Interpolation: AugmentFixture.Filter(entry), PadVal: AugmentFixture.Fill(image)));
            Assert.True(entry.Text("digest") == AugmentFixture.Digest(mix.Mix(image, own[0].GetSingle(), [.. chains])), entry.ToString());
        }
    }

    /// <summary>The step and the sign that give a value.</summary>
    private static AugMix.Link Link(JsonElement link, Image image)
    {
        var (operation, value) = (Enum.Parse<AugmentOperation>(link.Text("name")), link.Number("value"));
        if (operation is AugmentOperation.TranslateX or AugmentOperation.TranslateY)
            value = Math.Truncate(value);
        if (IsFactor(operation))
            value += 1;
        for (var step = 0; step < 10; step++)
        {
            foreach (var sign in (int[])[1, -1])
                if (Math.Abs(MagnitudeRanges.Mixed.At(operation, step, 10, sign, image.Height, image.Width) - value) < 1e-6)
                    return new(operation, step, sign);
        }
        throw new InvalidOperationException(link.ToString());
    }

    [Fact]
    public void AugMix_WeightsSumToOne_SoThatAFlatImageStays()
    {
        var image = new Image(12, 12, 3);
        image.Bytes.AsSpan().Fill(130);
        for (var seed = 0; seed < 20; seed++)
        {
            var mix = new AugMix(new(AllOps: false, Severity: 1, ChainDepth: 2, Alpha: 0.3));
            var result = mix.Apply(AugmentFixture.Sample(image), RandomSource.For(0, 0, seed)).Image!.Decode();
            // The weakest steps: posterize keeps 4 bits, 130 becomes 128; solarize from 255 on; nothing moves. Sums are cut off.
            Assert.All(result.Bytes, value => Assert.InRange(value, 127, 130));
        }
    }

    [Fact]
    public void Interpolation_OfNoUse_IsRefused() =>
        Assert.Equal(
            "An image can't be turned by the Lanczos filter as Pillow does it. There are nearest, bilinear and bicubic.",
            Assert.Throws<UserErrorException>(() => new AutoAugment(new(Interpolation: Interpolation.Lanczos))).Message
        );

    [Fact]
    public void FloatImage_IsRefused()
    {
        var sample = AugmentFixture.Sample(new Image(4, 4, 3, PixelType.Float32));
        foreach (var step in (Transform[])[new AutoAugment(new()), new TrivialAugment(new()), new AugMix(new()), new Clahe(new())])
            Assert.Contains(
                $"picture: {step.GetType().Name} works on 8-bit images",
                Assert.Throws<UserErrorException>(() => step.Apply(sample, new RandomSource(1))).Message,
                StringComparison.Ordinal
            );
    }

    [Fact]
    public void RandAugment_Results_AreThoseOfEarlierVersions()
    {
        // Of commit 69618996, before its operations were shared.
        var image = ImageFixture.Noise(37, 53, 3);
        var digest = new System.Text.StringBuilder();
        for (var seed = 0; seed < 400; seed++)
        {
            var options = new RandAugmentOptions(
                2,
                seed % 31,
                31,
                (Interpolation)(seed % 2 == 0 ? Interpolation.Nearest : Interpolation.Bilinear)
            );
            var sample = new RandAugment(options).Apply(AugmentFixture.Sample(image), RandomSource.For(7, 1, seed));
            digest.Append(AugmentFixture.Digest(sample.Image!.Decode()));
        }
        Assert.Equal(
            "dc179d63c781729b",
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(digest.ToString())))[
                ..16
            ]
        );
    }

    private static bool IsFactor(AugmentOperation operation) =>
        operation is >= AugmentOperation.Brightness and <= AugmentOperation.Sharpness;
}

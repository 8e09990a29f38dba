using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

/// <summary>What every registered transform keeps to. A new one joins by being registered; its required options go into the
/// table.</summary>
public class TransformContractTests
{
    private static readonly Dictionary<string, string> RequiredOptions = new()
    {
        ["CenterCrop"] = """, "size": 32""",
        ["DetectionMixup"] = """, "size": [50, 70]""",
        ["FitSize"] = """, "input_size": [50, 90]""",
        ["GaussianNoise"] = """, "std": [1, 5]""",
        ["Mosaic"] = """, "size": [50, 70]""",
        ["Pad"] = """, "size_divisor": 32""",
        ["RandomChoice"] =
            """, "transforms": [[], [{ "type": "RandomFlip", "prob": 1 }], [{ "type": "Pad", "size": 90 }, { "type": "RandomCrop", "size_range": [20, 60] }]]""",
        ["RandomCrop"] = """, "size": [32, 40]""",
        ["RandomResize"] = """, "ratio_range": [0.5, 2.0]""",
        ["RandomResizedCrop"] = """, "size": 48, "interpolation": "bicubic" """,
        ["RandomRotate"] = """, "degrees": [-10, 10]""",
        ["TimmAutoAugment"] = """, "config": "rand-m9-mstd0.5-inc1" """,
        ["Resize"] = """, "shorter_side": 40, "backend": "opencv" """,
    };

    /// <summary>Steps that refuse maps, which they could only spoil.</summary>
    private static readonly string[] BoxesOnly = ["DetectionMixup"];

    private static readonly ComponentRegistry Registry = Registered();

    public static TheoryData<string> Names => [.. Registry.For(typeof(Transform)).Select(component => component.Name)];

    private static ComponentRegistry Registered()
    {
        var registry = new ComponentRegistry();
        registry.Add(typeof(LoadImage).Assembly);
        return registry;
    }

    private static Transform Build(string name) =>
        new ComponentBuilder(Registry, new ServiceCollection().BuildServiceProvider()).Build<Transform>(
            $$"""{ "type": "{{name}}"{{RequiredOptions.GetValueOrDefault(name)}} }"""
        );

    private static Sample Scene(string name)
    {
        var sample = Carried(name);
        sample.Truth.Label = 4;
        sample.Source = new MemoryDataset(3, _ => Carried(name));
        return sample;
    }

    private static Sample Carried(string name)
    {
        var sample = TestScene.Create();
        if (!BoxesOnly.Contains(name))
        {
            sample.Truth.Panoptic = Segments(sample.Truth.SegmentationMap!);
            return sample;
        }
        sample.Truth.SegmentationMap = null;
        sample.Truth.ExtraMaps.Clear();
        return sample;
    }

    /// <summary>Each label of a map as a segment of its own; 0 is void.</summary>
    private static PanopticMap Segments(Image labels)
    {
        var map = new Image(labels.Height, labels.Width, 1, PixelType.UInt16);
        for (var i = 0; i < labels.Bytes.Length; i++)
            map.Pixels<ushort>()[i] = labels.Bytes[i] == 0 ? PanopticMap.Void : (ushort)(labels.Bytes[i] - 1);
        return new PanopticMap(map, [new PanopticSegment(5), new PanopticSegment(6)]);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Apply_BuiltFromConfig_KeepsEverythingTogether(string name)
    {
        var step = Build(name);
        for (var seed = 0UL; seed < 5; seed++)
        {
            var sample = step.Apply(Scene(name), RandomSource.For(0, 0, (long)seed));
            var size = sample.Image!.Size;
            Assert.Equal((4, 3L, "scene"), (sample.Truth.Label, sample.Index, sample.Name));
            if (!BoxesOnly.Contains(name))
            {
                Assert.Equal(size, (sample.Truth.SegmentationMap!.Height, sample.Truth.SegmentationMap.Width));
                Assert.Equal(size, (sample.Truth.Panoptic!.Height, sample.Truth.Panoptic.Width));
            }
            Assert.All(sample.Truth.InstanceMasks!, mask => Assert.Equal(size, (mask.Height, mask.Width)));
            Assert.Equal(sample.Truth.Boxes!.Count, sample.Truth.InstanceMasks!.Count);
            Assert.All(sample.Truth.Boxes.Corners, corner => Assert.True(float.IsFinite(corner)));

            var again = step.Apply(Scene(name), RandomSource.For(0, 0, (long)seed));
            Assert.Equal(sample.Image!.Decode().Bytes, again.Image!.Decode().Bytes);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Apply_FromSeveralThreads_GivesTheSame(string name)
    {
        var step = Build(name);
        var expected = Enumerable
            .Range(0, 8)
            .Select(i => step.Apply(Scene(name), RandomSource.For(0, 0, i)).Image!.Decode().Bytes)
            .ToArray();
        Parallel.For(
            0,
            32,
            i => Assert.Equal(expected[i % 8], step.Apply(Scene(name), RandomSource.For(0, 0, i % 8)).Image!.Decode().Bytes)
        );
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Apply_DoesNotWriteIntoTheInput(string name)
    {
        var sample = Scene(name);
        var (image, map) = (sample.Image!.Decode(), sample.Truth.SegmentationMap);
        for (var seed = 0UL; seed < 5; seed++)
        {
            (sample.Image, sample.Truth.SegmentationMap) = (new(image), map);
            sample.Truth.InstanceMasks = TestScene.Create().Truth.InstanceMasks;
            sample.Truth.Boxes = TestScene.Create().Truth.Boxes;
            if (map is not null)
                (sample.Truth.ExtraMaps["depth"], sample.Truth.Panoptic) = (TestScene.Create().Truth.ExtraMaps["depth"], Segments(map));
            _ = Build(name).Apply(sample, new RandomSource(seed)).Image!.Decode();
        }
        Assert.Equal(TestScene.Create().Image!.Decode().Bytes, image.Bytes);
        if (map is not null)
            Assert.Equal(TestScene.Create().Truth.SegmentationMap!.Bytes, map.Bytes);
    }

    [Fact]
    public void Pipeline_OfAPhotograph_EndsInPlanes()
    {
        var file = ImageFixture.Bytes("baseline.jpg");
        var sample = new Sample
        {
            Index = 0,
            Name = "baseline.jpg",
            ReadFile = () => file,
            Training = true,
        };
        foreach (
            var name in (string[])
                ["LoadImage", "RandomResizedCrop", "RandomFlip", "ColorJitter", "RandAugment", "Normalize", "RandomErasing"]
        )
            sample = Build(name).Apply(sample, new RandomSource(1));
        var (pixels, normalization) = sample.Image!.Take();
        var planes = new float[3 * 48 * 48];
        normalization.WritePlanes(pixels, planes);
        Assert.All(planes, value => Assert.InRange(value, -3, 3));
    }
}

using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Transforms;

public sealed class DetectionMixupTests
{
    [Fact]
    public void BothImages_AtTheirSize_EachPixelIsTheMean_AndEachBoxLiesOnItsObject()
    {
        var data = new MemoryDataset(5, _ => Scene());
        var mixup = new DetectionMixup(new(new HeightWidth(60, 80), RatioRange: [1, 1], FlipProb: 0));
        var sample = Scene();
        sample.Source = data;
        sample.Truth.BoxAnnotation = BoxAnnotation.Of(sample.Truth.Boxes!);
        sample = mixup.Apply(sample, new RandomSource(0));
        // The other image is the same one: the mean is, too.
        Assert.Equal(Scene().Image!.Decode().Bytes, sample.Image!.Decode().Bytes);
        Assert.Equal([5, 6, 5, 6], sample.Truth.Boxes!.Labels);
        Assert.Equal([false, true, false, true], sample.Truth.Boxes.Ignored);
        Assert.Equal(sample.Truth.Boxes.Corners[..8], sample.Truth.Boxes.Corners[8..]);
        Assert.Equal(4, sample.Truth.InstanceMasks!.Count);
        Assert.Equal(sample.Truth.InstanceMasks[1].Bytes, sample.Truth.InstanceMasks[3].Bytes);
        Assert.Null(sample.Truth.BoxAnnotation);
    }

    [Fact]
    public void ASmallerImage_LiesInTheCorner_AndGrayStandsForTheRest()
    {
        var data = new MemoryDataset(2, _ => Scene());
        var mixup = new DetectionMixup(new(new HeightWidth(60, 80), RatioRange: [0.5, 0.5], FlipProb: 0));
        var sample = Scene();
        sample.Source = data;
        sample = mixup.Apply(sample, new RandomSource(4));
        Assert.Equal([4, 5, 15, 13, 22, 14, 35, 26], sample.Truth.Boxes!.Corners[8..]); // half of [8, 10, 30, 26] and [44, 28, 70, 52]
        var pixels = sample.Image!.Decode().Bytes;
        Assert.Equal((0 + 114) / 2, pixels[((59 * 80) + 79) * 3]); // black, and the ground beside the other image
        Assert.Equal((200 + 0) / 2, pixels[((22 * 80) + 10) * 3]); // in the sample's first box; there the other image is black
    }

    [Fact]
    public void ALargerImage_ShowsAWindow_WhoseBoxesLieOnTheirObjects()
    {
        var data = new MemoryDataset(3, _ => Scene());
        var mixup = new DetectionMixup(new(new HeightWidth(60, 80), RatioRange: [2, 2], FlipProb: 0.5));
        var windows = new HashSet<string>();
        for (var seed = 0UL; seed < 30; seed++)
        {
            var sample = Empty();
            sample.Source = data;
            sample = mixup.Apply(sample, new RandomSource(seed));
            var boxes = sample.Truth.Boxes!;
            windows.Add(string.Join(' ', boxes.Corners));
            for (var i = 0; i < boxes.Count; i++)
            {
                var box = boxes.Corners.AsSpan(4 * i, 4).ToArray();
                if (box[2] - box[0] < 4 || box[3] - box[1] < 4)
                    continue; // the window's edge left only what the enlargement blurred
                var (x, y) = ((int)((box[0] + box[2]) / 2), (int)((box[1] + box[3]) / 2));
                Assert.Equal((200 - (100 * (boxes.Labels[i] - 5))) / 2, sample.Image!.Decode().Bytes[((y * 80) + x) * 3]);
                Assert.Equal(1, sample.Truth.InstanceMasks![i].Bytes[(y * 80) + x]);
            }
        }
        Assert.True(windows.Count > 20);
    }

    [Fact]
    public void Mistakes_AreTold()
    {
        var mixup = new DetectionMixup(new(new HeightWidth(60, 80)));
        var mapped = TestScene.Create();
        mapped.Source = new MemoryDataset(1, _ => Scene());
        Said("can't mix maps", () => mixup.Apply(mapped, new RandomSource(0)));
        Said("training only", () => mixup.Apply(Scene(), new RandomSource(0)));
        var plain = Scene();
        plain.Truth.Boxes = null;
        Said("for images with boxes", () => mixup.Apply(plain, new RandomSource(0)));
        var gray = Scene();
        gray.Source = new MemoryDataset(1, _ => TestScene.Create(channels: 1));
        Said("differ in channels or depth", () => mixup.Apply(gray, new RandomSource(0)));
        Said("ratio_range [2, 1]", () => _ = new DetectionMixup(new(new HeightWidth(6, 8), RatioRange: [2, 1])));
    }

    private static void Said(string words, Action act) =>
        Assert.Contains(words, Assert.Throws<UserErrorException>(act).Message, StringComparison.Ordinal);

    private static Sample Scene()
    {
        var sample = TestScene.Create();
        sample.Truth.SegmentationMap = null;
        sample.Truth.ExtraMaps.Clear();
        return sample;
    }

    private static Sample Empty()
    {
        var sample = Scene();
        sample.Image!.Decode().Bytes.AsSpan().Clear();
        sample.Truth.Boxes = new Boxes([], [], []);
        sample.Truth.InstanceMasks = [];
        return sample;
    }
}

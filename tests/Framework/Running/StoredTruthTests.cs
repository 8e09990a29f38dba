using System.Numerics;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Running.Diagnosis;

namespace Tessera.Tests.Framework.Running;

public sealed class StoredTruthTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Truth_ComesBackAsItWas()
    {
        var panoptic = new Image(2, 3, 1, PixelType.UInt16);
        ((ushort[])[0, 0, 1, PanopticMap.Void, 1, 1]).CopyTo(panoptic.Pixels<ushort>());
        var whole = Sample(
            0,
            new Geometry(40, 30, new Matrix3x2(0.5f, 0, 0.1f, 2, -3, 4)) { Padding = (0, 1, 2, 3), FlippedVertically = true }
        );
        whole.Truth.Boxes = new Boxes([0, 0, 2, 1, 1, 0, 3, 2], [4, 1], [false, true]);
        whole.Truth.InstanceMasks = [Mask(1, 1, 0, 0, 0, 0), Mask(0, 1, 1, 0, 1, 1)];
        whole.Truth.Panoptic = new PanopticMap(panoptic, [new PanopticSegment(3), new PanopticSegment(7, Crowd: true)]);
        var bare = Sample(1, null);
        bare.Truth.Boxes = new Boxes([], [], []);

        using var file = WeightsFile.Open(Write(whole, bare));
        var found = StoredTruth.Read(file, 0, "image-0");
        Assert.Equal(whole.Geometry, found.Geometry);
        Assert.Equal(whole.Truth.Boxes.Corners, found.Truth.Boxes!.Corners);
        Assert.Equal(whole.Truth.Boxes.Labels, found.Truth.Boxes.Labels);
        Assert.Equal(whole.Truth.Boxes.Ignored, found.Truth.Boxes.Ignored);
        Assert.Equal(whole.Truth.InstanceMasks.Select(mask => mask.Bytes), found.Truth.InstanceMasks!.Select(mask => mask.Bytes));
        Assert.Equal((2, 3), (found.Truth.InstanceMasks![0].Height, found.Truth.InstanceMasks[0].Width));
        Assert.Equal(panoptic.Pixels<ushort>().ToArray(), found.Truth.Panoptic!.Map.Pixels<ushort>().ToArray());
        Assert.Equal(whole.Truth.Panoptic.Segments, found.Truth.Panoptic.Segments);
        var other = StoredTruth.Read(file, 1, "image-1");
        Assert.Equal(0, other.Truth.Boxes!.Count);
        Assert.Null(other.Truth.InstanceMasks);
        Assert.Null(other.Truth.Panoptic);
        Assert.Null(other.Geometry);
    }

    [Fact]
    public void Truth_ThatDoesNotFitTogether_IsDamaged()
    {
        var sample = Sample(0, null);
        sample.Truth.Boxes = new Boxes([0, 0, 2, 1], [4], [false]);
        sample.Truth.InstanceMasks = [Mask(1, 1, 0, 0, 0, 0), Mask(0, 1, 1, 0, 1, 1)]; // one mask too many
        using var file = WeightsFile.Open(Write(sample));
        var error = Assert.Throws<UserErrorException>(() => StoredTruth.Read(file, 0, "image-0"));
        Assert.Contains("the masks of image-0 are incomplete", error.Message, StringComparison.Ordinal);
    }

    private string Write(params Sample[] samples)
    {
        var path = Path.Combine(_folder.Path, "truth.safetensors");
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var stream = File.Create(path);
        SafetensorsWriter.Write(stream, [.. StoredTruth.Of(samples)], new Dictionary<string, string>());
        return path;
    }

    private static Sample Sample(int index, Geometry? geometry) =>
        new()
        {
            Index = index,
            Name = $"image-{index}",
            Geometry = geometry,
        };

    private static Image Mask(params byte[] values) => new(2, 3, 1, PixelType.UInt8, values);
}

using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>Tensors that are changed on their way into another project's names.</summary>
public sealed class PublishedFormsTests
{
    /// <summary>
    /// One channel: Swin has its tokens by columns, (0, 0), (1, 0), (0, 1), (1, 1); MMLab by rows. Two channels: Swin token by
    /// token (a, b), MMLab channel by channel.
    /// </summary>
    [Fact]
    public void MergedPatches_AreOrderedAsMmlabHasThem()
    {
        Assert.Equal([0f, 2, 1, 3], Published("downsample.norm.weight", [0, 1, 2, 3], PublishedForms.MergedPatches));
        Assert.Equal(
            [0f, 4, 2, 6, 1, 5, 3, 7],
            Published("downsample.norm.weight", [0, 1, 2, 3, 4, 5, 6, 7], PublishedForms.MergedPatches)
        );
    }

    [Fact]
    public void Less_IsTakenAway_AndNotCalledLeftOut() =>
        Assert.Equal([0.5f, 1.5f], Published("bn.running_mean", [1, 2], PublishedForms.Less("conv.bias"), ("conv.bias", [0.5f, 0.5f])));

    [Fact]
    public void Linear_IsAMatrix()
    {
        Assert.Equal([1f, 2, 3, 4, 5, 6], Published("conv.weight", [1, 2, 3, 4, 5, 6], PublishedForms.Linear, shape: [2, 3, 1, 1]));
        Assert.Contains(
            "can't be published",
            Assert
                .Throws<UserErrorException>(() => Published("conv.weight", [1, 2, 3, 4], PublishedForms.Linear, shape: [1, 1, 2, 2]))
                .Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("twisted")]
    [InlineData("less conv.gone")]
    public void UnknownForm_IsAMistakeThatNamesAWayOut(string form) =>
        Assert.Contains(
            "names \"own\"",
            Assert.Throws<UserErrorException>(() => Published("bn.running_mean", [1, 2], form)).Message,
            StringComparison.Ordinal
        );

    private static float[] Published(
        string name,
        float[] values,
        string form,
        (string Name, float[] Values)? other = null,
        long[]? shape = null
    )
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var state = new StateWriter();
        state.Under("model").Write(name, shape is null ? tensor(values) : tensor(values).reshape(shape));
        if (other is { } beside)
            state.Under("model").Write(beside.Name, tensor(beside.Values));
        var checkpoint = new CheckpointStore(folder.Path).Save(
            "epoch_1",
            state,
            new CheckpointInfo
            {
                Config = ConfigDocument.Empty,
                Data = new DataInfo(["a", "b"], DataTask.Classification),
                Epoch = 1,
                Iteration = 1,
                PublishedNames = new Dictionary<string, IReadOnlyDictionary<string, string>>
                {
                    ["mmlab"] = new Dictionary<string, string> { [name] = "there" },
                },
                PublishedForms = new Dictionary<string, IReadOnlyDictionary<string, string>>
                {
                    ["mmlab"] = new Dictionary<string, string> { [name] = form },
                },
            }
        );
        var published = Publisher.Publish(checkpoint, folder.At("out.safetensors"), "mmlab");
        Assert.Empty(published.LeftOut);
        using var file = WeightsFile.Open(published.Path);
        var found = file.Read("there");
        if (form == PublishedForms.Linear)
            Assert.Equal(shape![..2], found.shape);
        return found.data<float>().ToArray();
    }
}

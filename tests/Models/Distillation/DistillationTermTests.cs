using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using Tessera.Models.Losses.Distillation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Distillation;

/// <summary>Values and gradients of MMRazor's and DeiT's own code; the feature loss by hand.</summary>
public sealed class DistillationTermTests
{
    private static readonly JsonElement s_fixture = FixtureFile.Json("distillation", "distillation.json");

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, s_fixture.GetProperty("cases").GetArrayLength())];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Compute_IsTheReferences(int index)
    {
        using var scope = NewDisposeScope();
        var fixture = s_fixture.GetProperty("cases")[index];
        var shape = fixture.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()).ToArray();
        using var term = Build.From<DistillationTerm>(fixture.GetProperty("term").GetRawText());
        var student = Read("student").requires_grad_();
        var value = term.Compute(new Lesson(student, Read("teacher"), [], []));
        value.backward();
        Assert.Equal(
            fixture.GetProperty("value").GetDouble(),
            value.item<float>(),
            1e-5 * Math.Max(1, fixture.GetProperty("value").GetDouble())
        );
        Assert.True((student.grad! - Read("gradient")).abs().max().item<float>() < 1e-6, "the gradient is another");

        Tensor Read(string name) => tensor(fixture.GetProperty(name).EnumerateArray().Select(v => v.GetSingle()).ToArray()).view(shape);
    }

    /// <summary>Per pixel, Hinton's targets are those of as many images.</summary>
    [Fact]
    public void SoftTargets_OfMaps_AreAveragedOverPixels()
    {
        using var scope = NewDisposeScope();
        using var term = new SoftTargetLoss(new(2));
        var (student, teacher) = (randn(2, 3, 4, 5), randn(2, 3, 4, 5));
        var maps = term.Compute(new Lesson(student, teacher, [], []));
        var rows = term.Compute(new Lesson(Rows(student), Rows(teacher), [], []));
        Assert.Equal(rows.item<float>(), maps.item<float>(), 1e-5);

        static Tensor Rows(Tensor map) => map.permute(0, 2, 3, 1).reshape(-1, 3);
    }

    /// <summary>A teacher whose maps are half as large: what stands at (0, 0) of 2 x 2 is the corner of 4 x 4.</summary>
    [Fact]
    public void ChannelWise_TeacherOfAnotherStride_IsResized()
    {
        using var scope = NewDisposeScope();
        using var term = new ChannelWiseLoss(new(1));
        var teacher = randn(1, 2, 2, 2);
        var student = nn.functional.interpolate(teacher, [4, 4], mode: InterpolationMode.Bilinear, align_corners: false);
        Assert.Equal(0, term.Compute(new Lesson(student, teacher, [], [])).item<float>(), 1e-6);
        Assert.NotEqual(0, term.Compute(new Lesson(student * 2, teacher, [], [])).item<float>(), 1e-3);
    }

    private sealed record Source(int[] Channels, int[] Strides) : IFeatureSource
    {
        public IReadOnlyList<int> OutChannels => Channels;

        public IReadOnlyList<int> OutStrides => Strides;
    }

    [Fact]
    public void Feature_IsTheMeanSquareBehindTheProjection()
    {
        using var scope = NewDisposeScope();
        using var term = new FeatureLoss(new(StudentMap: 0, TeacherMap: -1));
        term.Prepare(new Source([2, 5], [4, 8]), new Source([3], [4]), DataTask.Classification);
        var projection = term.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        Assert.Equal(["proj.bias", "proj.weight"], projection.Keys.Order());
        var (own, taught) = (randn(2, 2, 3, 3), randn(2, 3, 3, 3));
        var value = term.Compute(new Lesson(zeros(2, 1), zeros(2, 1), [own, zeros(2, 5, 1, 1)], [taught]));
        var weight = projection["proj.weight"].view(3, 2);
        var projected = (weight.matmul(own.flatten(2)) + projection["proj.bias"].view(3, 1)).view(2, 3, 3, 3);
        Assert.Equal((projected - taught).square().mean().item<float>(), value.item<float>(), 1e-5);
    }

    [Fact]
    public void Feature_MapsOfOtherStrides_AreAUsersMistake()
    {
        using var term = new FeatureLoss(new());
        var error = Assert.Throws<UserErrorException>(() =>
            term.Prepare(new Source([2, 5], [4, 8]), new Source([3], [16]), DataTask.Classification)
        );
        Assert.Contains("stride 8, the teacher's 16", error.Message, StringComparison.Ordinal);
        Assert.Contains("4, 8", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Feature_NoSuchMap_IsAUsersMistake()
    {
        using var term = new FeatureLoss(new(StudentMap: 2));
        Assert.Throws<UserErrorException>(() => term.Prepare(new Source([2, 5], [4, 8]), new Source([3], [8]), DataTask.Classification));
    }

    [Theory]
    [InlineData("""{ "type": "SoftTargetLoss" }""", DataTask.MultiLabel)]
    [InlineData("""{ "type": "HardTargetLoss" }""", DataTask.MultiLabel)]
    [InlineData("""{ "type": "ChannelWiseLoss" }""", DataTask.Classification)]
    public void Prepare_TaskThatTheTermIsNotFor_IsAUsersMistake(string config, DataTask task)
    {
        using var term = Build.From<DistillationTerm>(config);
        Assert.Throws<UserErrorException>(() => term.Prepare(new Source([1], [1]), new Source([1], [1]), task));
    }
}

using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Heads;
using Tessera.Models.Detection.Suppression;
using Tessera.Models.TaskModels;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection;

/// <summary>Small detectors and batches, some of them with heads that say what a test wants.</summary>
internal static class DetectorScenes
{
    internal static readonly DataInfo Info = Build.Classes(3, DataTask.Detection);

    internal static float[] Square(float x, float y, float side) => [x, y, x + side, y + side];

    internal static VisionModel Small(string head) =>
        Build.From<VisionModel>(
            $$"""
            { "type": "Detector", "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8, "stage_blocks": [1, 1, 1], "stem": "small", "strides": [2, 2, 2], "zero_init_residual": false },
              "neck": { "type": "Fpn", "out_channels": 8, "start_level": 1, "num_outs": 3, "add_extra_convs": "on_output" }, "bbox_head": {{head}}, "test": { "score_thr": 0.001 } }
            """,
            Info
        );

    /// <summary>Scores that differ and boxes of a sensible size.</summary>
    internal static void Tame(VisionModel model)
    {
        using var _ = no_grad();
        foreach (var (name, parameter) in model.named_parameters())
            if (name.StartsWith("bbox_head.retina_", StringComparison.Ordinal))
                parameter.mul_(0.05);
    }

    internal static DetectionPrediction One(VisionModel model, Batch batch)
    {
        using var _ = no_grad();
        return (DetectionPrediction)model.Predict(batch).Single();
    }

    internal static Batch Images(Tensor images, Geometry? geometry, Boxes? boxes = null) =>
        new()
        {
            Images = images,
            Samples =
            [
                .. Enumerable
                    .Range(0, (int)images.shape[0])
                    .Select(i => new Sample
                    {
                        Index = i,
                        Name = $"{i}",
                        Geometry = geometry,
                        Truth = { Boxes = boxes ?? new Boxes([], [], []) },
                    }),
            ],
        };

    internal static Detector With(BoxHead head, DetectorTestOptions? test = null, SuppressionMethod? nms = null)
    {
        var services = new ServiceCollection().BuildServiceProvider();
        var model = nms is null
            ? new Detector(new(test), new Pixels(new()), null, head, Info, services)
            : new Detector(test ?? new(), new Pixels(new()), null, head, Info, nms);
        model.eval();
        return model;
    }

    internal readonly record struct Found(float X1, float Y1, float X2, float Y2, float Score, int Label);

    internal abstract class Stub() : BoxHead("Stub")
    {
        public override int Classes => 3;

        internal override string ClassifierKey => "";

        internal override IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys => [];

        public override Tensor[] forward(Tensor[] maps) => [maps[0].alias()];

        public override LossMap Losses(Tensor[] outputs, IReadOnlyList<TruthBoxes> truths, (int Height, int Width) image) =>
            throw new NotSupportedException();

        protected static Candidates Of(IEnumerable<Found> found) =>
            new(
                [.. found.SelectMany(f => new[] { f.X1, f.Y1, f.X2, f.Y2 })],
                [.. found.Select(f => f.Score)],
                [.. found.Select(f => f.Label)]
            );
    }

    internal sealed class Fixed(Found[][] found) : Stub
    {
        public override IReadOnlyList<Candidates> Candidates(Tensor[] outputs, (int Height, int Width) image, CandidateLimits limits) =>
            [.. found.Select(f => Of(f))];
    }

    /// <summary>The box around what is brighter than a half.</summary>
    internal sealed class Bright : Stub
    {
        public override IReadOnlyList<Candidates> Candidates(Tensor[] outputs, (int Height, int Width) image, CandidateLimits limits)
        {
            var bright = outputs[0]
                [0, 0]
                .contiguous()
                .Values<float>()
                .Index()
                .Where(pixel => pixel.Item > 0.5f)
                .Select(pixel => (X: pixel.Index % image.Width, Y: pixel.Index / image.Width))
                .ToArray();
            return [Of([new(bright.Min(p => p.X), bright.Min(p => p.Y), bright.Max(p => p.X) + 1, bright.Max(p => p.Y) + 1, 0.5f, 1)])];
        }
    }

    internal sealed class KeepAll : SuppressionMethod
    {
        protected override void Apply(Candidates candidates, ReadOnlySpan<int> group, List<(float Score, int Index)> kept)
        {
            foreach (var i in group)
                kept.Add((candidates.Scores[i], i));
        }
    }
}

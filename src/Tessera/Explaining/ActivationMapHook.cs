using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;
using Tessera.Framework.Visualization;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Explaining;

/// <param name="Images">Image files to be explained. The label of one is its folder's name, where a class is called so.</param>
/// <param name="Indices">Samples to be explained, counted from 0; the first four where neither these nor images are given.</param>
/// <param name="Part">Whose samples: train, val or test; by default val, or train where there is no val.</param>
/// <param name="EveryEpochs">Epochs between pictures.</param>
/// <param name="Methods">As tools/explain names them; grad_cam where unset.</param>
/// <param name="Targets">As tools/explain names them: "top1", "labels", a class. Where unset, the best class, or all values of a
/// regression.</param>
/// <param name="Layers">Names of the model's modules; found where unset.</param>
public sealed record ActivationMapHookOptions(
    [property: MinLength(1)] string[]? Images = null,
    [property: MinLength(1)] int[]? Indices = null,
    DataPart? Part = null,
    [property: Range(1, int.MaxValue)] int EveryEpochs = 1,
    [property: MinLength(1)] string[]? Methods = null,
    [property: MinLength(1)] string[]? Targets = null,
    [property: MinLength(1)] string[]? Layers = null
);

/// <summary>Explains the same images again and again while a model learns: a picture for each time in the work dir's folder maps, and one
/// for each image in TensorBoard.</summary>
/// <remarks>The weights are those being trained, not their average. The model is looked at on the hook's step only, in evaluation mode;
/// modes, gradients and random numbers are then as before, so that a run is the same with the hook and without.</remarks>
[Component("ActivationMapHook")]
public sealed class ActivationMapHook(ActivationMapHookOptions options, Session session) : Hook, IReadsWeights
{
    private const int UsualCount = 4;

    private static readonly ILogger s_log = Log.For(Log.Run);

    private IReadOnlyList<ExplainedImage> _images = [];
    private ExplanationRequest _request = new();
    private ModelExplainer? _explainer;

    public override void BeforeRun(RunState run)
    {
        if (run.Group.Rank != 0)
            return;
        _explainer = ModelExplainer.Of(session);
        _request = new ExplanationRequest
        {
            Methods = [.. (options.Methods ?? ["grad_cam"]).Select(_explainer.Method)],
            Targets = options.Targets ?? [],
            Layers = options.Layers ?? [],
        };
        _images = [.. (options.Images ?? []).Select(path => ExplainedImage.File(path, _explainer.Data)), .. Samples(_explainer.Data)];
        foreach (var image in _images)
            _ = OriginalImage.Read(image); // one that can't be read is told now, not after an epoch
        _explainer.Check(_request);
    }

    public override void AfterEpoch(RunState run)
    {
        if (_explainer is null || run.EpochsDone % options.EveryEpochs != 0)
            return;
        var random = RandomState.Get(CPU);
        try
        {
            Draw(run, [.. _explainer.Explain(_images, _request, (name, reason) => s_log.LogWarning("maps: {0}: {1}", name, reason))]);
        }
        catch (UserErrorException error)
        {
            s_log.LogWarning("maps: {0}", error.Message); // the training doesn't depend on it
        }
        finally
        {
            RandomState.Set(CPU, random);
        }
    }

    private IEnumerable<ExplainedImage> Samples(DataInfo data)
    {
        if (options is { Images: not null, Indices: null })
            return [];
        var part = options.Part ?? (session.Data.Has(DataPart.Val) ? DataPart.Val : DataPart.Train);
        var dataset = session.Data[part];
        var indices = options.Indices ?? [.. Enumerable.Range(0, Math.Min(UsualCount, dataset.Count))];
        foreach (var index in indices)
            if (index < 0 || index >= dataset.Count)
                throw new UserErrorException(
                    $"ActivationMapHook: there is no sample {index} in {SessionData.NameOf(part)}, which has {dataset.Count}, "
                        + "counted from 0."
                );
        return [.. indices.Select(index => ExplainedImage.Of(dataset, index, data))];
    }

    private static void Draw(RunState run, IReadOnlyList<ImageExplanation> found)
    {
        if (found.Count == 0)
            return;
        var all = new ExplanationSheet();
        foreach (var image in found.GroupBy(one => one.Image))
        {
            var own = new ExplanationSheet();
            var photograph = image.First().ReadImage();
            foreach (var row in image.GroupBy(one => one.Target))
            {
                (string?, ImageExplanation)[] maps = [.. row.Select(one => ((string?)null, one))];
                own.Add(Path.GetFileName(image.Key), photograph, maps);
                all.Add(Path.GetFileName(image.Key), photograph, maps);
            }
            using var drawing = own.Draw();
            var pixels = drawing.ToImage();
            run.Output?.Picture($"maps/{image.Key}", run.Progress.Iteration, pixels.Height, pixels.Width, drawing.EncodePng());
        }
        Save(all, Path.Combine(run.WorkDir, "maps", string.Create(CultureInfo.InvariantCulture, $"epoch_{run.EpochsDone:D4}.png")));
    }

    private static void Save(ExplanationSheet sheet, string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var drawing = sheet.Draw();
        var png = drawing.EncodePng();
        AtomicFile.Write(path, stream => stream.Write(png));
    }
}

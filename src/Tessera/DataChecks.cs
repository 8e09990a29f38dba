using System.Diagnostics;
using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running.Diagnosis;

namespace Tessera;

/// <summary>What is looked for in the data before a run begins.</summary>
public static class DataChecks
{
    private const int MostNamed = 5;

    /// <summary>Looks for what in the data would stop a run later (<see cref="Dataset.Check"/>).</summary>
    /// <param name="path">Of the data set in the config.</param>
    /// <param name="warn">Told what is odd but allowed.</param>
    /// <param name="progress">Told now and then how far the look has come, where it takes a while.</param>
    /// <exception cref="UserErrorException">The data can't be used, and the loader isn't to skip what it can't read.</exception>
    public static void Check(Dataset dataset, string path, LoaderOptions? loader, Action<string> warn, Action<string> progress)
    {
        var watch = Stopwatch.StartNew();
        var said = TimeSpan.Zero;
        try
        {
            foreach (var note in dataset.Check(Advance))
                warn($"{path}: {note}");
            foreach (var note in ClassNameNotes.Of(dataset.Info))
                warn($"{path}: {note}");
            // Segmentation's own look counts pixels.
            if (
                dataset.Info.Task != DataTask.Segmentation
                && ClassPresence.Of(dataset).Absent(path.StartsWith("train", StringComparison.Ordinal)) is { } absent
            )
                warn($"{path}: {absent}");
        }
        // boxes have options of their own
        catch (UserErrorException error) when (loader?.OnBadSample == BadSample.Skip && dataset.Info.Task != DataTask.Detection)
        {
            warn($"{path}: {error.Message}\n  They are skipped (on_bad_sample).");
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException($"{path}\n  {error.Message.ReplaceLineEndings("\n  ")}", error);
        }

        void Advance(int done, int total)
        {
            if (watch.Elapsed - said < TimeSpan.FromSeconds(3) && (done < total || said == TimeSpan.Zero))
                return;
            said = watch.Elapsed;
            progress(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{path}: looking at the labels, {done}/{total}, {watch.Elapsed * ((double)(total - done) / done):m\\:ss} left"
                )
            );
        }
    }

    /// <summary>Looks at several data sets, and says everything that is wrong with any of them at once.</summary>
    /// <param name="parts">Each with its path in the config and how it is read.</param>
    /// <exception cref="UserErrorException">Some can't be used.</exception>
    public static void CheckAll(
        IEnumerable<(Dataset Dataset, string Path, LoaderOptions? Loader)> parts,
        Action<string> warn,
        Action<string> progress
    )
    {
        var faults = new List<UserErrorException>();
        foreach (var (dataset, path, loader) in parts)
        {
            try
            {
                Check(dataset, path, loader, warn, progress);
            }
            catch (UserErrorException fault)
            {
                faults.Add(fault);
            }
        }
        if (faults.Count > 0)
            throw faults.Count == 1
                ? faults[0]
                : new UserErrorException(string.Join("\n\n", faults.Select(fault => fault.Message)), faults[0]);
    }

    /// <summary>What is evaluated must have the classes that are trained, in the same order, and samples of one of them at least must be
    /// learned from.</summary>
    /// <param name="path">Of the evaluation's data in the config.</param>
    /// <exception cref="UserErrorException">It has others, or no class that it shows has a sample in the training data.</exception>
    public static void RequireSameClasses(Dataset train, Dataset val, string path) => ClassComparison.RequireSame(train, val, path);

    /// <summary>A classifier of images with one label each can't learn anything of a single class.</summary>
    /// <exception cref="UserErrorException">The data has one class.</exception>
    public static void RequireChoice(Dataset train, VisionModel model)
    {
        if (train.Info is not { Task: DataTask.Classification, Classes: [var only] } || model is IGeneratesImages)
            return;
        if (ForTaskAttribute.Of(model.GetType()).Contains(DataTask.Classification))
            throw new UserErrorException(
                $"train.dataset: its one class, \"{only}\", leaves {model.GetName()} nothing to tell apart: every image would "
                    + $"be right, and "
                    + "accuracy 1, untrained. Add images of what it is to be told from, as a class of their own."
            );
    }

    /// <summary>What is evaluated must not be trained on with the very labels that it is evaluated by; looked at for segmentation, where
    /// pseudo labels lie beside the truth. Images of the same file name are compared, up to 200.</summary>
    /// <param name="path">Of the evaluation's data in the config.</param>
    /// <param name="warn">Told where both parts are the same data, and of copies in another folder.</param>
    /// <exception cref="UserErrorException">The same photographs have the same labels in both parts.</exception>
    public static void RequireOtherTruth(Dataset train, Dataset evaluation, string path, Action<string> warn) =>
        TruthOverlap.Refuse(train, evaluation, path, warn);

    /// <summary>A model of boxes, masks or segments can't learn where no image has one that counts.</summary>
    /// <exception cref="UserErrorException">All images have none, or ignored ones alone.</exception>
    public static void RequireObjects(Dataset train)
    {
        if (train.Info.Task is not (DataTask.Detection or DataTask.Panoptic))
            return;
        var shown = false;
        for (var i = 0; i < train.Count; i++)
        {
            if ((train.ObjectsOf(i) ?? train.LabelsOf(i)?.Count) is not 0)
                return;
            shown |= train.LabelsOf(i) is { Count: > 0 };
        }
        var why =
            train.Info.Task == DataTask.Panoptic ? "a segment to learn from, of a thing or of stuff; crowds are none."
            : shown ? "a box to learn from: all are ignored areas (crowds, difficult objects, objects without a usable mask)."
            : "a box, so there is nothing to learn.";
        throw new UserErrorException(
            string.Join(
                "\n  ",
                train.LeftOut.Select(entry => entry.ToString()).Prepend($"train.dataset: none of its {train.Count} images has {why}")
            )
        );
    }

    /// <summary>No image may have more objects than the model can learn (<see cref="VisionModel.MostObjects"/>).</summary>
    /// <param name="train">Its <see cref="Dataset.ObjectsOf"/> are counted.</param>
    /// <param name="warn">Told of such images where a step of the pipeline may leave fewer objects (<see
    /// cref="Transform.LosesObjects"/>).</param>
    /// <exception cref="UserErrorException">An image has more.</exception>
    public static void RequirePlaces(Dataset train, VisionModel model, Action<string> warn)
    {
        if (model.MostObjects is not var (most, option) || (train.Info.Task == DataTask.Segmentation && train.Info.Classes.Count <= most))
            return;
        var over = Enumerable.Range(0, train.Count).Select(i => (At: i, Count: train.ObjectsOf(i) ?? 0)).Where(image => image.Count > most);
        var found = over.OrderByDescending(image => image.Count).ToArray();
        if (found.Length == 0)
            return;
        var what = train.Info.Task switch
        {
            DataTask.Segmentation => "classes",
            DataTask.Panoptic => "segments",
            _ => "objects",
        };
        var named = string.Join(
            ", ",
            found
                .Take(MostNamed)
                .Select(image => string.Create(CultureInfo.InvariantCulture, $"{train.Get(image.At).Name} has {image.Count:N0}"))
        );
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{found.Length:N0} of {train.Count:N0} images have more {what} than {model.GetName()} can find in one, {most:N0} ({option}): "
                + $"{named}{(found.Length > MostNamed ? ", …" : "")}. Each needs a place of its own: set model.{option} to at least "
                + $"{found[0].Count}, or leave such images out."
        );
        if (!train.Pipeline.Any(step => step.LosesObjects))
            throw new UserErrorException($"train.dataset: {text}");
        warn($"train.dataset: {text} The pipeline may leave fewer of them; where it doesn't, training stops.");
    }
}

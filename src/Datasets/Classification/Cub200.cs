using Tessera.Datasets.Storage;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Classification;

/// <summary>Which of the two parts that train_test_split.txt marks.</summary>
public enum CubSplit
{
    Train,
    Test,
}

/// <param name="Path">The folder or .zip archive with images.txt, image_class_labels.txt, train_test_split.txt, classes.txt and the folder
/// images; or one whose only such folder is CUB_200_2011.</param>
/// <param name="Split">The images marked 1, or those marked 0.</param>
/// <param name="Boxes">Give each image's box around its bird, of bounding_boxes.txt: for the measures of activation maps that ask for
/// one.</param>
/// <param name="List">A text file that names the images to take of the split, one a line; looked for below path, then in the working
/// folder. By default all.</param>
public sealed record Cub200Options(string Path, CubSplit Split = CubSplit.Train, bool Boxes = false, string? List = null);

/// <summary>Caltech-UCSD Birds-200-2011, or any data in the same files: images of one class each, told apart by details.</summary>
/// <remarks>
/// Wah et al., "The Caltech-UCSD Birds-200-2011 Dataset", CNS-TR-2011-001, 2011. Lines are "id value", ids and classes counted from 1. A
/// class is called as in classes.txt less the number before it ("001.Black_footed_Albatross": "Black_footed_Albatross"), where all have one
/// and the rest differ. Images are read when they are asked for; grey ones become RGB as of every data set.
/// </remarks>
[Component("Cub200")]
public sealed class Cub200 : Dataset
{
    private const string Images = "images";

    private readonly FileStore _files;
    private readonly string _place; // of images.txt, for messages
    private readonly string[] _names; // below the images' folder
    private readonly string _folder;
    private readonly int[] _labels;
    private readonly float[][]? _boxes;

    /// <exception cref="UserErrorException">A file is missing or broken, with its line; or the split has no images.</exception>
    public Cub200(Cub200Options options)
    {
        _files = FileStore.Open(options.Path);
        var index = new CubIndex(_files);
        (_folder, _place) = (index.Folder + Images + "/", index.Place);
        var wanted = options.Split == CubSplit.Train;
        int[] taken = [.. Enumerable.Range(0, index.Names.Count).Where(i => index.Trains[i] == wanted)];
        if (taken.Length == 0)
            throw new UserErrorException(
                $"{index.SplitPlace} marks no image with {(wanted ? 1 : 0)}, so the split "
                    + $"{options.Split.ToString().ToLowerInvariant()} has none."
            );
        if (options.List is { } list)
            taken = [.. SampleList.Read(_files, list, [.. taken.Select(i => _folder + index.Names[i])], _folder).Select(i => taken[i])];
        _names = [.. taken.Select(i => index.Names[i])];
        _labels = [.. taken.Select(i => index.Labels[i])];
        if (options.Boxes)
        {
            var boxes = index.ReadBoxes();
            _boxes = [.. taken.Select(i => boxes[i])];
        }
        Info = new DataInfo(index.Classes, DataTask.Classification);
    }

    public override int Count => _names.Length;

    public override DataInfo Info { get; }

    public override Sample Get(int index)
    {
        var name = _folder + _names[index];
        var sample = new Sample
        {
            Index = index,
            Name = _files.Describe(name),
            ReadFile = () => _files.Read(name),
            Truth = { Label = _labels[index] },
        };
        if (_boxes?[index] is { } box)
        {
            sample.Truth.Boxes = new Boxes([.. box], [_labels[index]], [false]);
            sample.Truth.BoxAnnotation = BoxAnnotation.Of(sample.Truth.Boxes);
        }
        return sample;
    }

    public override int? LabelOf(int index) => _labels[index];

    public override string? ListNameOf(int index) => _folder + _names[index];

    /// <exception cref="UserErrorException">Images that don't exist, the first by name.</exception>
    public override IReadOnlyList<string> Check(Action<int, int>? advance = null)
    {
        var missing = _names.Select(name => _folder + name).Where(name => !_files.Contains(name)).ToArray();
        if (missing.Length == 0)
            return [.. base.Check(advance), .. PixelDepth.Notes(this)];
        throw new UserErrorException(
            FormattableString.Invariant($"{_place} names {missing.Length:N0} images that don't exist:\n  ")
                + string.Join("\n  ", missing.Take(6).Select(_files.Describe).Concat(missing.Length > 6 ? ["…"] : []))
        );
    }
}

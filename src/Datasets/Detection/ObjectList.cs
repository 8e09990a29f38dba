namespace Tessera.Datasets.Detection;

/// <summary>The objects of many images in the order of their file, in blocks: what grows is never copied, and blocks are let go as soon as
/// they are sorted by image.</summary>
internal sealed class ObjectList
{
    private const int Block = 1 << 14;

    private readonly List<Entry[]> _blocks = [];

    /// <summary>An object, and which image it is of: an id, or its place in a list; below 0 for none.</summary>
    public struct Entry
    {
        public long Image;
        public AnnotatedObject Object;
    }

    public int Count { get; private set; }

    public ref Entry this[int index] => ref _blocks[index / Block][index % Block];

    public void Add(long image, in AnnotatedObject item)
    {
        if (Count == _blocks.Count * Block)
            _blocks.Add(new Entry[Block]);
        this[Count++] = new Entry { Image = image, Object = item };
    }

    /// <summary>The objects by their images' places, and takes them out of here.</summary>
    /// <param name="images">How many there are.</param>
    public AnnotatedObject[][] TakeByImage(int images)
    {
        var counts = new int[images];
        for (var i = 0; i < Count; i++)
            if (this[i].Image >= 0)
                counts[this[i].Image]++;
        var found = Array.ConvertAll(counts, count => count == 0 ? [] : new AnnotatedObject[count]);
        Array.Clear(counts);
        for (var i = 0; i < Count; i++)
        {
            ref var entry = ref this[i];
            if (entry.Image >= 0)
                found[entry.Image][counts[entry.Image]++] = entry.Object;
            if ((i + 1) % Block == 0)
                _blocks[i / Block] = [];
        }
        Count = 0;
        _blocks.Clear();
        return found;
    }
}

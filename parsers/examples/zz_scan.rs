use tapscope_parsers::sensitive::*;
fn main(){
    for path in std::env::args().skip(1){
        let Ok(data)=std::fs::read(&path) else {continue};
        let t=std::time::Instant::now();
        let mut masked=0; let mut lines=0;
        for (n,line) in data.split(|&b|b==b'\n').enumerate(){
            lines+=1;
            let mut s=Vec::new(); in_text(line,&mut s); normalise(&mut s);
            if s.is_empty(){continue}
            masked+=1;
            let mut out=line.to_vec();
            for sp in s { for b in &mut out[sp.start..sp.end]{*b=b'*'} }
            if masked<=6 { println!("{}:{}: {}",path,n+1,String::from_utf8_lossy(&out).chars().take(220).collect::<String>()); }
        }
        println!("== {path} lines {lines} masked {masked} {:.0} MB/s", data.len() as f64/t.elapsed().as_secs_f64()/1e6);
    }
}
